/**
 * What the commands ask of models and the runtime: the part of `@evolmm/vlm` that they use, so that tests can stand in
 * for it. Wired in `installed-library.ts`.
 */
import type { HubOptions } from '@evolmm/hub'
import type { StatusOutput } from '@evolmm/runs'
import type { EvolmmSettings, TrainHooks, TrainOutcome } from '@evolmm/trainer'
import type { Adapter, LoadVlmOptions, RuntimeReport, Sampler, Vlm as WholeVlm } from '@evolmm/vlm'

export type { HubOptions, RuntimeReport }

export interface Library {
  loadVlm(idOrFolder: string, options: LoadOptions): Promise<Vlm>
  inspectRuntime(): Promise<RuntimeReport>
  /** Throws where a device that is asked for cannot be used. */
  chooseDevice(options: Pick<LoadOptions, 'device' | 'dtype'>): Promise<unknown>
  train(config: EvolmmSettings, hooks: TrainCommandHooks): Promise<TrainCommandOutcome>
}

export interface TrainCommandHooks extends Pick<
  TrainHooks,
  'hub' | 'onQuantize' | 'onRecord' | 'onWiden' | 'signal' | 'version'
> {
  onWarning?: ((message: string) => void) | undefined
  /** The output that shows the live status. @default nowhere */
  status?: StatusOutput | undefined
}

export interface TrainCommandOutcome extends TrainOutcome {
  /** The path of the page about the run, where one was written. */
  report?: string | undefined
}

export type LoadOptions = LoadVlmOptions

type Used =
  | 'name'
  | 'identity'
  | 'folder'
  | 'imageFields'
  | 'encodeImage'
  | 'prompt'
  | 'stream'
  | 'group'
  | 'gradient'
  | 'createAdapter'
  | 'trainWeights'
  | 'addValueHead'
  | 'meanEmbedding'
  | 'saveAdapter'
  | 'saveMerged'
  | 'exportPrograms'
  | 'dispose'

export interface Vlm extends Pick<WholeVlm, Used>, Pick<Sampler, 'sample' | 'score'> {
  tokenizer: Pick<WholeVlm['tokenizer'], 'encode' | 'decode' | 'token' | 'isSpecial'>
  loadAdapter: (
    idOrFolder: string,
    options: { adapterName?: string | undefined; hub?: HubOptions | undefined },
  ) => Promise<Adapter>
}
