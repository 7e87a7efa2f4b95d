/**
 * What the commands ask of a model and of the runtime: the part of `@evolmm/vlm` that they use, as an interface, so that
 * tests can stand in for it. Wired in `main.ts`.
 */

export interface Library {
  loadVlm(folderOrId: string, options: LoadOptions): Promise<Vlm>
  inspectRuntime(): Promise<RuntimeReport>
}

export interface LoadOptions {
  device?: Device | undefined
  dtype?: Dtype | undefined
  threads?: number | undefined
  cacheDir?: string | undefined
  minPixels?: number | undefined
  maxPixels?: number | undefined
  hub: HubOptions
  onWiden: (twin: { file: string; bytes: number }) => void
}

export interface HubOptions {
  revision?: string | undefined
  onProgress: (progress: { file: string; allReceived: number; allSize: number }) => void
  onWarning: (warning: { message: string }) => void
}

export const devices = ['auto', 'cpu', 'cuda', 'webgpu'] as const
export const dtypes = ['float32', 'float16', 'bfloat16'] as const
export type Device = (typeof devices)[number]
export type Dtype = (typeof dtypes)[number]

export interface Vlm {
  readonly tokenizer: { encode(text: string): number[]; decode(ids: ArrayLike<number>): string }
  encodeImage(source: string): Promise<EncodedImage>
  prompt(options: { images: readonly EncodedImage[]; prompt: string; system?: string | undefined }): Prompt
  loadAdapter(
    folderOrId: string,
    options: { subfolder?: string | undefined; hub: HubOptions },
  ): Promise<object>
  sample(
    options: SamplingOptions & { prompts: readonly Prompt[]; samples: number; seeds: readonly number[] },
  ): Promise<readonly (readonly Completion[])[]>
  stream(
    options: SamplingOptions & { prompt: Prompt; seed: number; signal: AbortSignal },
  ): AsyncIterable<string>
  score(options: {
    groups: readonly { prompt: Prompt; completions: readonly { ids: Int32Array }[] }[]
    adapter?: object | undefined
  }): Promise<{ completions: readonly (readonly { logProbabilities: Float32Array }[])[] }>
  /** Files written. */
  exportPrograms(folder: string): Promise<readonly string[]>
  dispose(): Promise<void>
}

export interface EncodedImage {
  readonly grid: readonly number[]
}

export interface Prompt {
  /** `[T]`. */
  readonly ids: Int32Array
  /** `[3, T]`. */
  readonly positions: Int32Array
  /** Token `i >= T` has position `i + delta`. */
  readonly delta: number
}

export interface SamplingOptions {
  adapter?: object | undefined
  temperature: number
  topP: number
  topK: number
  maxNewTokens: number
}

export interface Completion {
  readonly ids: Int32Array
  readonly text: string
  /** Under the model itself: temperature 1, nothing cut off. */
  readonly logProbabilities: Float32Array
  readonly finishReason: 'stop' | 'length'
}

export interface RuntimeReport {
  /** Version of ONNX Runtime. */
  onnxruntime: string
  /** That a run on the CPU uses. */
  threads: number
  providers: readonly {
    name: string
    /** Whether it is in the installed runtime. */
    present: boolean
    /** Whether it runs here. */
    usable: boolean
    /** Why it does not, and what helps. */
    reason?: string | undefined
  }[]
  caches: readonly { name: string; folder: string }[]
}
