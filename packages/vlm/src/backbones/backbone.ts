/**
 * What the rest of the package knows of an architecture with its configuration. A new backbone is a folder that makes
 * one of these, and a line in `backbones/open-backbone`.
 */
import type { DType, Shape, Tensor } from '@evolmm/onnx'
import type { WriteCheckpointOptions } from '../checkpoint/write-checkpoint'
import type { ImageProcessorConfig } from './parts/patch-processor-config'
import type { RgbImage } from '../image/rgb-image'
import type { BuildPromptOptions } from '../prompt/build-prompt'
import type { Grid } from './parts/image-token-count'
import type { LoadTokenizerOptions } from '../prompt/load-tokenizer'
import type { MemoryEstimate, MemoryOptions } from '../runtime/memory-estimate'
import type { Attend, Layers } from './layers'

export interface Backbone {
  /** Every tensor of a checkpoint: canonical name to shape. */
  weights: ReadonlyMap<string, readonly number[]>
  /** Linear modules, which adapters attach to: canonical name to [out, in]. */
  modules: ReadonlyMap<string, readonly [number, number]>
  /** What tokenizer and prompts must know of it. */
  tokens: LoadTokenizerOptions['config'] & BuildPromptOptions['config']
  sizes: {
    /** Decoder layers. */
    layers: number
    hiddenSize: number
    /** Width of the keys, and of the values, of one layer. */
    keyValueSize: number
    vocabularySize: number
    maxPositions: number
    /** Image tokens of a grid. */
    imageTokens: (grid: Grid) => number
  }
  /** Token ids to rows [rows, D]. */
  embed: (layers: Layers, ids: Tensor) => Tensor
  /** Rows to hidden states before the last norm, of all rows or of those in `keep`, [kept, D]. */
  decoder: (
    layers: Layers,
    inputs: { embedded: Tensor; positions: Tensor; attend: Attend; keep?: Tensor },
  ) => Tensor
  /** What the head reads, [rows, D]. */
  finalNorm: (layers: Layers, hidden: Tensor) => Tensor
  /** Names of the matrices of the head and of the embeddings, [V, D]: one matrix if they are tied. */
  headWeight: string
  embeddingWeight: string
  /** What `vision` takes besides weights. */
  visionInputs: readonly { name: string; dtype: DType; shape: Shape }[]
  /** Image tokens [tokens, D] from the inputs by name. */
  vision: (layers: Layers, inputs: ReadonlyMap<string, Tensor>) => Tensor
  /** What the checkpoint's processor must agree with. */
  patches: Pick<ImageProcessorConfig, 'patchSize' | 'temporalPatchSize' | 'mergeSize'>
  /** An image as the vision tower takes it. */
  imagePatches: (image: RgbImage, config: ImageProcessorConfig) => { pixels: Float32Array; grid: Grid }
  /** Values of the inputs of `vision` for some images. */
  visionFeeds: (images: readonly { pixels: Float32Array; grid: Grid }[]) => Record<string, Feed>
  /** What work with the model takes, from its sizes alone. */
  estimateMemory: (work: Omit<MemoryOptions, 'config'>) => MemoryEstimate
  /** Writes a checkpoint of this configuration in the Hugging Face layout. */
  writeCheckpoint: (folder: string, options: Omit<WriteCheckpointOptions, 'config'>) => Promise<void>
  /** Rotary positions of a prompt, [3, T], and what is added to a later index. */
  positions: (ids: ArrayLike<number>, grids: readonly Grid[]) => { positions: Int32Array; delta: number }
}

/** A value for a program's input. */
export interface Feed {
  dtype: 'float32' | 'float64' | 'int64' | 'int32'
  dims: readonly number[]
  data: Float32Array | Float64Array | BigInt64Array | Int32Array
}
