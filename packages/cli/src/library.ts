/**
 * What the commands ask of a model and of the runtime: the part of `@evolmm/vlm` that they use, so that tests can stand
 * in for it. Wired in `installed-library.ts`.
 */
import type { Adapter, downloadSnapshot, LoadVlmOptions, Vlm as WholeVlm } from '@evolmm/vlm'

export interface Library {
  loadVlm(idOrFolder: string, options: LoadOptions): Promise<Vlm>
  inspectRuntime(): Promise<RuntimeReport>
  downloadSnapshot: typeof downloadSnapshot
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

type Used = 'folder' | 'encodeImage' | 'prompt' | 'sample' | 'stream' | 'score' | 'exportPrograms' | 'dispose'

export interface Vlm extends Pick<WholeVlm, Used> {
  tokenizer: Pick<WholeVlm['tokenizer'], 'encode' | 'decode' | 'token'>
  loadAdapter: (
    idOrFolder: string,
    options: { adapterName?: string | undefined; hub?: HubOptions | undefined },
  ) => Promise<Adapter>
}

export interface RuntimeReport {
  /** Versions. */
  node: string
  onnxruntime: string
  platform: string
  arch: string
  /** That programs use unless told otherwise. */
  threads: number
  /** Class of float16 tensors. */
  float16Array: string
  providers: readonly {
    device: string
    /** Part of the npm package. */
    bundled: boolean
    usable: boolean
    /** What is not there, and what to do about it. */
    missing: { what: string; fix: string } | undefined
  }[]
  caches: readonly { name: string; folder: string; files: number; bytes: number }[]
}
