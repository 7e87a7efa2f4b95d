/** A loaded model: what can be asked of it. */
import type { HubOptions } from '@evolmm/hub'
import type { Adapter } from './adapter/adapter'
import type { CreateAdapterOptions } from './adapter/create-adapter'
import type { FullWeightsOptions } from './adapter/full-weights'
import type { LoadAdapterOptions } from './adapter/load-adapter'
import type { SaveAdapterOptions } from './adapter/save-adapter'
import type { WriteCheckpointOptions } from './checkpoint/write-checkpoint'
import type { Learner } from './learner'
import type { Tokenizer } from './prompt/load-tokenizer'
import type { Sampler } from './sampler'
import type {
  Group,
  GroupOptions,
  Sampled,
  SampleOptions,
  Scored,
  ScoreOptions,
  Scores,
  StreamOptions,
} from './types'

export interface Vlm extends Sampler, Learner {
  name: string
  marker: RegExp
  /** The folder in which the checkpoint lies. */
  folder: string
  tokenizer: Tokenizer
  /** The names in the `fields` of an encoded image. */
  imageFields: readonly string[]
  /**
   * Questions about the same images, with their completions, as a group whose prompt is what all of them begin with: for
   * `gradient` and `score` the same as a group for each, and much cheaper.
   */
  group: (options: GroupOptions) => Group
  /** The completions of each prompt, all in one run. */
  sample: (options: SampleOptions) => Promise<Sampled[]>
  /** The log-probabilities of given completions; no gradient. */
  score: (options: ScoreOptions) => Promise<Scores & { completions: Scored[] }>
  /** Text piece by piece: what `sample` gives as sample 0 for the same seed. */
  stream: (options: StreamOptions) => AsyncIterable<string>
  /** Writes every program as a `.onnx` file, with the weights beside them; returns the paths. */
  exportPrograms: (folder: string, adapter?: Adapter) => Promise<string[]>
  /** A LoRA adapter that changes nothing yet: random A, zero B. */
  createAdapter: (options?: CreateAdapterOptions) => Adapter
  /** Weights to train as a whole, as they are. */
  trainWeights: (options?: FullWeightsOptions) => Promise<Adapter>
  /**
   * A copy of the adapter that also trains a value head, [1, D], of zeros: `score` then gives a value for each token, and
   * `gradient` learns `targets` by squared error.
   */
  addValueHead: (adapter: Adapter) => Adapter
  /** The mean of the rows of the embeddings, [D]: a place for a value head to begin. */
  meanEmbedding: () => Promise<Float32Array>
  /** The adapter comes from a PEFT folder or a repository of the hub. */
  loadAdapter: (
    idOrFolder: string,
    options?: LoadAdapterOptions & { hub?: HubOptions | undefined },
  ) => Promise<Adapter>
  /** Writes a PEFT folder, whole or not at all. */
  saveAdapter: (folder: string, adapter: Adapter, options?: SaveOptions) => Promise<void>
  /** Writes a checkpoint in the Hugging Face layout with the adapter merged into the weights. */
  saveMerged: (folder: string, adapter: Adapter, options?: SaveMergedOptions) => Promise<void>
  /**
   * The bytes of a disk that an adapter takes, about, in float32 with the processor's files: by `saveAdapter`, or as a
   * checkpoint by `saveMerged` where weights are trained as a whole.
   */
  savedBytes: (adapter: Adapter) => Promise<number>
  /** The function closes all programs. */
  dispose: () => Promise<void>
}

export type SaveOptions = Omit<SaveAdapterOptions, 'baseModel' | 'companions'> & {
  /** @default what the model was loaded by */
  baseModel?: string
  /** True writes the tokenizer's and the processor's files too, byte for byte. @default false */
  withProcessor?: boolean
}

export type SaveMergedOptions = Pick<WriteCheckpointOptions, 'dtype' | 'maxShardBytes' | 'overwrite'>
