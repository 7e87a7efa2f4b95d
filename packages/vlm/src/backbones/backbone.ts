/**
 * What the rest of the package knows of a model. A new one is a folder beside this file that makes a `Backbone` from a
 * `config.json`, and a line in `backbones.ts`; nothing else names it. What folders have in common is in `parts/`.
 *
 * The fields were drawn for more families than are here. Who needs what beyond the plain case:
 *
 * | field                        | family                                                                               |
 * | ---------------------------- | ------------------------------------------------------------------------------------ |
 * | `names`                      | all: files of the hub, live modules and former adapters have different trees         |
 * | `names.harmless`             | Phi-3.5-vision: the last block of its tower is in the file and unused                |
 * | `settled`                    | InternVL: says tied, and has a head of its own in the file                           |
 * | `targets`, `head.module`     | InternLM2, Phi: fused modules of other names; MiniCPM, InternLM2: another head       |
 * | `initialValue`               | Gemma 3: norms of `1 + w`; mllama: gates; InternVL: layer scales                     |
 * | `prompt.chatTemplate`        | InternVL's original layout: none; Phi, MiniCPM, SmolVLM: messages of another form    |
 * | `prompt.tokenizerJson`       | InternLM2: `sentencepieceBpe` of `tokenizer.model`; Qwen2: `vocabAndMerges`          |
 * | `prompt.tokenize`            | SmolVLM, InternVL, Gemma 3, MiniCPM: text around images; Phi: pieces with a BOS each |
 * | `prompt.stopTokens`          | InternVL's original layout, Phi: `generation_config.json` does not name them         |
 * | `axes`, `positions`          | Qwen-VL: three; Phi, InternVL's dynamic scaling: a second for the length so far      |
 * | `embed`                      | Gemma 3: scaled before features are put in                                           |
 * | `decoder`                    | all: rotary tables by layer or length are its own                                    |
 * | `Heads.scale`                | Gemma 3: another one than `headSize`'s                                               |
 * | `mask`                       | Gemma 3: sliding layers; tokens of an image see all of it                            |
 * | `ImageRows` in `decoder`     | Qwen3-VL: features are added after deeper layers                                     |
 * | `vision.featureSize`         | Qwen3-VL: a row holds the features of each of those layers                           |
 * | `processor.recut`            | Phi: a picture that is one of several is cut into fewer tiles                        |
 * | `vision.joint`               | MiniCPM: features depend on the prompt's other images                                |
 * | `processor.alpha`            | mllama: images that are not plain colours are laid over white                        |
 * | `vision.sees`, `cross`       | mllama: layers that attend to features, which stand in no token's place              |
 */
import type { Tensor } from '@evolmm/onnx'
import type { CheckpointModel } from '../checkpoint/checkpoint-model'
import type { JsonObject } from '../checkpoint/read-checkpoint-file'
import type { Attend, CrossAttention, ImageRows, Layers, MaskKind } from './layers'
import type { PromptRules } from './prompt-rules'
import type { LanguageShape } from './shapes'
import type { ImageLayout, Vision } from './vision'

/** The models of one `model_type`: what a folder exports. */
export interface Architecture {
  /**
   * The model of a parsed `config.json`; `file` is what errors call it. What the configuration asks for and the folder does
   * not implement is refused, never ignored. Throws `UNSUPPORTED_MODEL` or `INVALID_CONFIG`.
   */
  open: (config: JsonObject, file: string) => Backbone
  /** Published models by what people call them, in lower case, for plans that read no file. @default none */
  published?: ReadonlyMap<string, () => Backbone>
  /** What lmms-eval calls models of this kind. @default nothing */
  lmmsEvalKinds?: readonly string[]
}

export interface Backbone extends CheckpointModel {
  /** Linear modules, which adapters attach to: canonical name to [out, in]. */
  modules: ReadonlyMap<string, readonly [number, number]>
  /** True if a module or weight belongs to the vision tower, what joins it to the language model included. */
  isVision: (name: string) => boolean
  /** Modules that a new adapter is for by default, by the ends of their names. */
  targets: readonly string[]
  /** The matrix of the embeddings, [V, D]. */
  embeddingWeight: string
  /** The head: its module, and its matrix [V, D], which is that of the embeddings if they are tied. */
  head: { module: string; weight: string }
  /** The same model once the canonical names in its files are known, where the configuration leaves something open. */
  settled?: (names: ReadonlySet<string>) => Backbone

  prompt: PromptRules
  /** The number of coordinates that a token's position has. */
  axes: number
  /**
   * The positions of a prompt, [axes, T]; the i-th token of prompt and completion together, if it is after these, has
   * position `i + delta` on every axis.
   */
  positions: (
    ids: ArrayLike<number>,
    images: readonly ImageLayout[],
  ) => { positions: Int32Array; delta: number }

  sizes: {
    /** Decoder layers that attend to tokens. */
    layers: number
    /** Decoder layers that attend to image features, each with keys and values of its own. @default 0 */
    crossLayers?: number
    hiddenSize: number
    /** Width of the keys, and of the values, of one layer. */
    keyValueSize: number
    /** Words that the head knows. */
    vocabularySize: number
    maxPositions: number
  }
  /** Token ids [rows] to rows [rows, D], image features in their places. */
  embed: (layers: Layers, ids: Tensor, images?: ImageRows) => Tensor
  /** Rows to hidden states before the last norm, of all rows or of those in `keep`, [kept, D]. */
  decoder: (layers: Layers, inputs: DecoderInputs) => Tensor
  /** What tokens see in a layer. @default everything before them, in every layer */
  mask?: (layer: number) => MaskKind
  /** What the head reads, [rows, D]. */
  finalNorm: (layers: Layers, hidden: Tensor) => Tensor
  /** Sizes of the language model for the memory estimate. */
  shape: LanguageShape

  /** Absent for a model of text alone. */
  vision?: Vision
}

export interface DecoderInputs {
  /** The rows that `embed` gave, [rows, D]. */
  embedded: Tensor
  /** int64 [axes, rows] */
  positions: Tensor
  attend: Attend
  /** Attention to image features, for models whose `vision.sees` says what is seen of them. */
  cross?: CrossAttention | undefined
  /** The places of image features, for layers that add more of them. @default no images */
  images?: ImageRows | undefined
  /** The rows that are wanted, int64 [kept]: the last layer goes no further with the others. @default all */
  keep?: Tensor | undefined
}
