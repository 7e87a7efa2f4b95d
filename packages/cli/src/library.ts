/**
 * What the commands ask of a model and of the runtime: the part of `@evolmm/vlm` that they use, so that tests can stand
 * in for it. Wired in `installed-library.ts`.
 */
import type { Adapter, LoadVlmOptions, StreamOptions, Vlm as WholeVlm } from '@evolmm/vlm'

export interface Library {
  loadVlm(idOrFolder: string, options: LoadOptions): Promise<Vlm>
  inspectRuntime(): Promise<RuntimeReport>
}

export const devices = ['auto', 'cpu', 'cuda', 'webgpu'] as const
export const dtypes = ['float32', 'float16', 'bfloat16'] as const
export type Device = (typeof devices)[number]
export type Dtype = (typeof dtypes)[number]

export interface LoadOptions extends LoadVlmOptions {
  device?: Device | undefined
  dtype?: Dtype | undefined
}

export type HubOptions = NonNullable<LoadVlmOptions['hub']>

export interface Vlm extends Pick<WholeVlm, 'encodeImage' | 'prompt' | 'sample' | 'score' | 'dispose'> {
  tokenizer: Pick<WholeVlm['tokenizer'], 'encode' | 'decode'>
  /** The text of one sample, piece by piece. */
  stream: (options: StreamOptions) => AsyncIterable<string>
  loadAdapter: (
    idOrFolder: string,
    options: { subfolder?: string | undefined; hub?: HubOptions | undefined },
  ) => Promise<Adapter>
  /** Files written. */
  exportPrograms: (folder: string) => Promise<readonly string[]>
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
