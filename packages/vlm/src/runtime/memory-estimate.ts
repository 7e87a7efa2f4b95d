/**
 * An estimate says how much memory a piece of work takes, before it is begun.
 *
 * The runtime's arenas never shrink, so what the programs of a process once needed adds up: the total is a sum over all
 * open programs. Formulas follow what the programs keep; the few constants that are not counts of tensors (the process
 * itself, graphs, buffers of a kernel, what arenas lose to fragments) were fitted to peaks that the kernel measured
 * (`bench/memory.mjs` and `bench/training-memory.mjs` of `@evolmm/plan`, CPU): whole runs are within a tenth of them,
 * but for a tiny one that takes another amount each time. On WebGPU one session was measured with a software driver, whose
 * memory is that of the process; CUDA was not.
 *
 * Not counted: moments of an optimizer, further adapters, and page cache that the system can take back.
 */
import { checkInteger, checkNames, checkObject, countOf } from '@evolmm/internal'
import { bytesPerValue, type FloatType } from '@evolmm/safetensors'
import type { Backbone } from '../backbones/backbone'
import type { VisionShape } from '../backbones/shapes'
import { quantizedBytes } from '../checkpoint/quantize-matrix'
import { towerChunk, towerRows } from '../programs/program-layers'
import { longLearned, promptChunk } from '../programs/prompt-chunks'
import { quantizable } from '../programs/quantizable'
import type { Device } from './provider-status'

export type ProgramKind = 'encode' | 'sample' | 'score' | 'learn'

export interface MemoryOptions {
  backbone: Backbone
  /** Programs that are open in the process. @default encode, sample and learn */
  programs?: readonly ProgramKind[] | undefined
  /** @default 'cpu' */
  device?: Device | undefined
  /** The type of the weights in the device's memory; the CPU holds float32 alone. @default 'float32' */
  dtype?: FloatType | undefined
  /** `int4` holds the matrices of linear modules in four bits. @default none */
  quantize?: 'int4' | undefined
  /** Trained parameters: the length of the adapter's vector. @default 0 */
  trainable?: number | undefined
  /** Those of them that are weights of the model: the sampler is given them, and rearranges none. @default 0 */
  trainedWeights?: number | undefined
  /** The learning pass goes through the vision tower too, because it is trained, and so does the sampler's policy. @default false */
  trainVision?: boolean | undefined
  /** The embeddings or the head are among the trained weights. @default false */
  trainHead?: boolean | undefined
  /** Prompts in one call. @default 1 */
  groups?: number | undefined
  /** Tokens of a prompt, image tokens included. */
  promptTokens: number
  /** Tokens of a completion at most. */
  completionTokens: number
  /** Completions of a prompt. @default 1 */
  samples?: number | undefined
  /** Patches, rows of the vision tower, of each image that is encoded in one call. @default none */
  imagePatches?: readonly number[] | undefined
  /** Rows of image features of a prompt at most. @default those of `imagePatches`, all in one prompt */
  promptFeatures?: number | undefined
  /** True if the learning pass computes the divergence from the base policy. @default true */
  kl?: boolean | undefined
  /** True if it computes each block anew in the backward pass. @default false */
  checkpointed?: boolean | undefined
  /** Rows whose logits exist at the same time in the learning pass. @default 64 */
  chunk?: number | undefined
  /**
   * True if sampling rearranges its weights in memory of its own (CPU), those of a trained vision tower too. @default
   * true
   */
  prepack?: boolean | undefined
}

/** The bytes that a model takes, by what needs them. */
export interface MemoryEstimate {
  parts: {
    /** Node, the runtime's libraries, graphs. */
    runtime: number
    /** Read from the file: mapped on the CPU, where they leave memory when it is short; copied to a GPU, once for all programs. */
    weights: number
    /** Copies of weights that the runtime rearranges. */
    packed: number
    /** Parameters, and the tensors that programs cut out of them. */
    adapter: number
    /** The gradients of all trained tensors, and the same put together. */
    gradient: number
    /** Keys and values of prompts and samples. */
    cache: number
    /** What a program needs beyond that while it runs. */
    encode: number
    sample: number
    learn: number
    /** Logits of the learning pass and what is made of them: room that the backward pass uses later. */
    loss: number
  }
  /** The sum of the parts. */
  total: number
  /** True if the gradient takes prompts of this length in chunks, by another program than that of shorter ones. */
  inChunks: boolean
  options: MemoryOptions
}

/** What the process has before it does anything, and the context of a GPU with its kernels: of WebGPU those of a software driver. */
const processBytes: Record<Device, number> = { cpu: 100e6, webgpu: 480e6, cuda: 600e6 }
/** What an open program has on the CPU beside weights and results: in any case, and for each of its layers. */
const graphBytes: Record<ProgramKind, { any: number; layer: number }> = {
  encode: { any: 2e6, layer: 1.75e6 },
  sample: { any: 11e6, layer: 1.5e6 },
  score: { any: 4e6, layer: 2.2e6 },
  learn: { any: 15e6, layer: 3.5e6 },
}
/** The same on a GPU, for each layer of the language part. */
const graphBytesOnGpu = 1.5e6
/** Parts of an arena that fit nothing. */
const fragments = 1.05

/** Throws `INVALID_OPTION`. */
export function estimateMemory(options: MemoryOptions): MemoryEstimate {
  const work = checkedWork(options)
  const { backbone, device, programs, trainable, groups, samples, promptTokens, has, learns } = work
  const { layers, vocabularySize, keyValueSize } = backbone.sizes
  const rows = samples * work.completionTokens
  const sizes = weightSizes(backbone, options.quantize)
  const cross = crossBytes(options)
  const loss = learns
    ? lossBytes(backbone, { rows: groups * rows, chunk: work.chunk, kl: options.kl ?? true })
    : 0
  // A quantized matrix is made anew for each product of many rows.
  const made = sizes.quantized.language.work
  const reading = { promptTokens, completionTokens: 0 }
  const forward = forwardBytes({ backbone, groups, promptTokens, length: promptTokens }, reading)

  const parts = {
    runtime: processBytes[device] + programs.reduce((sum, kind) => sum + openBytes(kind, work), 0),
    ...weightBytes(sizes, {
      trainVision: options.trainVision ?? false,
      cpu: device === 'cpu',
      prepack: options.prepack ?? true,
      bytes: bytesPerValue[options.dtype ?? 'float32'],
      given: work.trainedWeights,
      has,
    }),
    // The vector itself, and the tensors cut from it, which the sampler holds too.
    adapter: 4 * trainable * (1 + (learns ? 1 : 0) + (has('sample') ? 1 : 0)),
    // Tensors, their tree of concatenations, and the result. That of the head begins with zeros and is a sum before and
    // after each chunk; the embeddings have theirs, and where the two are one matrix both are added.
    gradient: has('learn') ? 4 * (3 * trainable + (options.trainHead === true ? 5 * sizes.head : 0)) : 0,
    // A step holds those of its samples as they were and with one token more.
    cache: has('sample') ? 4 * (2 * layers * keyValueSize) * groups * (promptTokens + 2 * rows) + cross : 0,
    encode: has('encode')
      ? encodeBytes(backbone, work.imagePatches, device) + sizes.quantized.vision.work
      : 0,
    sample: has('sample') ? Math.max(forward, 8 * 4 * groups * samples * vocabularySize) + made : 0,
    learn: learns
      ? learnBytes({ backbone, groups, promptTokens, length: promptTokens + rows }, options, {
          loss,
          learns: has('learn'),
        }) +
        made +
        cross
      : 0,
    loss,
  }
  const total = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)
  return { parts, total, inChunks: promptTokens > longLearned, options }
}

/** What an open program has beside weights and results. */
function openBytes(
  kind: ProgramKind,
  { backbone: { sizes, vision }, device }: { backbone: Backbone; device: Device },
): number {
  if (device !== 'cpu') return graphBytesOnGpu * sizes.layers
  const layers = kind === 'encode' ? (vision?.shape.layers ?? 0) : sizes.layers
  return graphBytes[kind].any + graphBytes[kind].layer * layers
}

const optionNames = {
  backbone: true,
  programs: true,
  device: true,
  dtype: true,
  quantize: true,
  trainable: true,
  trainedWeights: true,
  trainVision: true,
  trainHead: true,
  groups: true,
  promptTokens: true,
  completionTokens: true,
  samples: true,
  imagePatches: true,
  promptFeatures: true,
  kl: true,
  checkpointed: true,
  chunk: true,
  prepack: true,
} as const

/** The options that are counts, with their defaults, and which programs there are. */
function checkedWork(options: MemoryOptions) {
  checkNames('estimateMemory', options, optionNames)
  checkObject('backbone', options.backbone)
  const { backbone, programs = ['encode', 'sample', 'learn'], device = 'cpu', imagePatches = [] } = options
  const { groups = 1, samples = 1, promptTokens, completionTokens, chunk = 64 } = options
  const { trainable = 0, trainedWeights = 0 } = options
  for (const [name, value] of Object.entries({ groups, samples, promptTokens, completionTokens, chunk }))
    checkInteger(name, value, { min: 1 })
  checkInteger('trainable', trainable, { min: 0 })
  checkInteger('trainedWeights', trainedWeights, { min: 0 })
  for (const count of imagePatches) checkInteger('imagePatches', count, { min: 1 })
  if (options.promptFeatures !== undefined) checkInteger('promptFeatures', options.promptFeatures, { min: 0 })
  const has = (...kinds: ProgramKind[]) => kinds.some((kind) => programs.includes(kind))
  return {
    ...{ backbone, programs, device, imagePatches, groups, samples, promptTokens, completionTokens, chunk },
    ...{ trainable, trainedWeights, has, learns: has('learn', 'score') },
  }
}

/** Bytes of what is in four bits. */
interface QuantizedSizes {
  file: number
  /** The part of these that are codes. */
  codes: number
  /** Codes and scales, of which a GPU has one more for the backward pass, in another shape. */
  scaled: number
  /** The largest matrix as float32, before and after it gets its scales. */
  work: number
}

/** Those in four bits are not among the numbers. */
interface WeightSizes {
  quantized: Record<'vision' | 'language', QuantizedSizes>
  vision: number
  /** All that is read whole: the blocks and the head. */
  language: number
  /** The part of these that is the head. */
  head: number
  /** The embedding table, if it is not the head. */
  table: number
}

/** The number of weights in each part of the model. */
function weightSizes(backbone: Backbone, quantize: MemoryOptions['quantize']): WeightSizes {
  const { weights, isVision, embeddingWeight, head } = backbone
  const { vocabularySize, hiddenSize } = backbone.sizes
  const none = (): QuantizedSizes => ({ file: 0, codes: 0, scaled: 0, work: 0 })
  const quantized = { vision: none(), language: none() }
  const sizes = { vision: 0, language: 0, head: vocabularySize * hiddenSize, table: 0, quantized }
  const narrow = new Set(quantize === undefined ? [] : quantizable(backbone))
  for (const [name, shape] of weights) {
    const table = name === embeddingWeight && name !== head.weight
    const part = isVision(name) ? 'vision' : table ? 'table' : 'language'
    if (narrow.has(name)) {
      const own = quantized[part === 'vision' ? 'vision' : 'language']
      const { file, codes, scaled } = quantizedBytes(shape[0], shape[1])
      own.file += file
      own.codes += codes
      own.scaled += scaled
      own.work = Math.max(own.work, 2 * 4 * shape[0] * shape[1])
    } else sizes[part] += countOf(shape)
  }
  return sizes
}

interface WeightUse {
  has: (...kinds: ProgramKind[]) => boolean
  trainVision: boolean
  cpu: boolean
  prepack: boolean
  /** Bytes of one weight on a GPU. */
  bytes: number
  /** Weights that programs are given. */
  given: number
}

function weightBytes(
  { vision, language, head, table, quantized }: WeightSizes,
  { has, trainVision, cpu, prepack, bytes, given }: WeightUse,
): { weights: number; packed: number } {
  const encode = has('encode') ? vision : 0
  const sample = has('sample') ? language : 0
  const learners = has('learn', 'score')
  const tower = learners && trainVision ? vision : encode
  const blocks = learners ? language : sample
  const stored4 = (tower > 0 ? quantized.vision.file : 0) + (blocks > 0 ? quantized.language.file : 0)
  if (!cpu) {
    // The programs share what a GPU is given, the whole table included. Products are in the precision of the weights, but the
    // loss needs the head in float32.
    const read = tower + blocks + (blocks > 0 ? table : 0)
    const widened = learners && bytes < 4 ? 4 * head : 0
    const backward4 = quantized.language.scaled + (trainVision ? quantized.vision.scaled : 0)
    return { weights: bytes * read + widened + stored4 + (has('learn') ? backward4 : 0), packed: 0 }
  }
  // On the CPU all map the same file, of whose table only some rows are read, unless theirs are rearranged.
  if (!prepack) return { weights: 4 * (tower + blocks) + stored4, packed: 0 }
  // What is rearranged leaves memory, but for the sampler's head.
  const kept = learners ? language : has('sample') ? head : 0
  const policyTower = trainVision && has('sample') ? encode : 0
  return {
    weights: 4 * (tower + kept) + stored4,
    packed:
      4 * 1.1 * Math.max(0, sample + policyTower - given) + (has('sample') ? quantized.language.codes : 0),
  }
}

/**
 * Keys and values of image features, which layers that attend to them hold through a call. The images that are encoded in one
 * call are those of one group, but where the tower is trained they are those of all.
 */
function crossBytes(options: MemoryOptions): number {
  const { backbone, groups = 1, trainVision = false, imagePatches = [] } = options
  const { crossLayers = 0, keyValueSize } = backbone.sizes
  const encoded = imagePatches.reduce((sum, count) => sum + count, 0) / (trainVision ? groups : 1)
  const features = options.promptFeatures ?? encoded / (backbone.vision?.shape.patchesPerToken ?? 1)
  return 2 * 4 * crossLayers * keyValueSize * groups * features
}

interface PackedSizes {
  backbone: Backbone
  groups: number
  /** Tokens of the prompt of a group. */
  promptTokens: number
  /** All tokens of a group. */
  length: number
}

/** Scores of a head where a gradient is taken: prompts see themselves, long ones in chunks, completions all of their group. */
function scoresOf({ promptTokens, length }: PackedSizes): { prompts: number; completions: number } {
  const rows = promptTokens > longLearned ? promptChunk : promptTokens
  return { prompts: rows * promptTokens, completions: (length - promptTokens) * length }
}

interface ReadLengths {
  promptTokens: number
  /** Tokens of all completions of a group. */
  completionTokens: number
}

/**
 * Scores that a head has at the same time where no gradient is taken: those of a chunk of the prompt, or of all completions.
 * It never falls with the length.
 */
function readScores({ promptTokens, completionTokens }: ReadLengths): number {
  const columns = promptTokens + completionTokens
  return Math.max(Math.min(promptTokens, promptChunk) * promptTokens, completionTokens * columns)
}

/** A forward pass, which holds one block at a time: scores before and after the softmax, the mask, rows. */
function forwardBytes(packed: PackedSizes, inChunks?: ReadLengths): number {
  const { backbone, groups, length } = packed
  const { hiddenSize, intermediateSize, heads } = backbone.shape
  const { prompts, completions } = scoresOf(packed)
  const scores = inChunks === undefined ? prompts + completions : readScores(inChunks)
  // Around attention, and later in the MLP: what comes in, its norm, gate, up and their product.
  const rows = 4 * groups * length * Math.max(6 * hiddenSize, 2 * hiddenSize + 3 * intermediateSize)
  return fragments * (2 * 4 * groups * (heads + 1) * scores + rows)
}

/** The pass that scores completions, and where it `learns` the way back, without the room that the loss takes before it does. */
function learnBytes(
  packed: PackedSizes,
  options: MemoryOptions,
  { loss, learns }: { loss: number; learns: boolean },
): number {
  const { checkpointed = false, promptTokens } = options
  if (!learns) {
    const lengths = { promptTokens, completionTokens: packed.length - promptTokens }
    const forward = forwardBytes(packed, lengths)
    return forward - Math.min(loss, forward)
  }
  const forward = forwardBytes(packed)
  const backward = backwardBytes(packed, options, checkpointed)
  return keptBytes(packed, options, checkpointed) + Math.max(forward, backward) - Math.min(loss, backward)
}

/** What blocks keep for their backward pass. */
function keptBytes(
  packed: PackedSizes,
  { trainVision = false, imagePatches = [], device = 'cpu' }: MemoryOptions,
  checkpointed: boolean,
): number {
  const { backbone, groups, length } = packed
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize, layers } = backbone.shape
  // Inputs of norms; queries and twice what attention gives; keys and values of all tokens and of prompts; gate and up. What
  // norms give, probabilities and the product of gate and up are made again from these.
  const width = 2 * hiddenSize + 3 * heads * headSize + 4 * keyValueHeads * headSize + 2 * intermediateSize
  const block = 4 * groups * length * width
  const inputs = 4 * groups * length * hiddenSize
  const tower =
    trainVision && backbone.vision
      ? keptVisionBytes(backbone.vision.shape, { imagePatches, device, checkpointed })
      : 0
  // A checkpoint for each block, and all of the one that is being computed anew.
  return (
    tower + fragments * (checkpointed ? Math.min(layers * inputs + block, layers * block) : layers * block)
  )
}

/**
 * The backward pass of one block: scores before and after the softmax, their slopes before and after the correction and the
 * product of both; before that five of the MLP's, which has given back what it kept by then. Prompts and completions are two
 * operators, one after the other, and the second has the room of the first. Masks of both are there for all blocks.
 */
function backwardBytes(
  packed: PackedSizes,
  { trainVision = false, imagePatches = [], device = 'cpu' }: MemoryOptions,
  checkpointed: boolean,
): number {
  const { backbone, groups, length } = packed
  const { heads, hiddenSize, intermediateSize } = backbone.shape
  const { prompts, completions } = scoresOf(packed)
  const masks = 4 * groups * (prompts + completions)
  const scores = 4 * groups * heads * Math.max(prompts, completions)
  const tokens = 4 * groups * length
  const text =
    masks + Math.max(5 * tokens * intermediateSize, 5 * scores - tokens * (2 * intermediateSize + hiddenSize))
  const towerHeads = trainVision && !checkpointed ? (backbone.vision?.shape.heads ?? 0) : 0
  return fragments * Math.max(text, 3 * 4 * towerHeads * imageScores(imagePatches, device))
}

/** Logits of a chunk and what is made of them, and rows before and after the head. */
function lossBytes(
  { sizes }: Backbone,
  { rows, chunk, kl }: { rows: number; chunk: number; kl: boolean },
): number {
  const logits = (kl ? 8 : 5) * Math.min(chunk, rows) * sizes.vocabularySize
  return 4 * (logits + 5 * rows * sizes.hiddenSize)
}

/** The vision tower, forward: a row of each patch several times, and what is made of some rows at a time. */
function encodeBytes({ vision }: Backbone, imagePatches: readonly number[], device: Device): number {
  if (vision === undefined) return 0
  const { hiddenSize, intermediateSize, heads, patchSize } = vision.shape
  const patches = imagePatches.reduce((sum, count) => sum + count, 0)
  const wide = device === 'webgpu' ? patches : Math.min(patches, towerRows)
  // Rows of a block as they come and go, queries, keys and values, and these in the order of heads; more where several images
  // are filled up to one length, or nothing is made of some rows at a time.
  const kept = device === 'webgpu' || imagePatches.length > 1 ? 16 : 10
  const rows = patches * (kept * hiddenSize + patchSize) + wide * 4 * intermediateSize
  return fragments * 4 * (2.1 * heads * imageScores(imagePatches, device) + rows)
}

/** Scores that a head has at the same time where all of an image is seen: images are padded to the largest of a call. */
function imageScores(imagePatches: readonly number[], device: Device): number {
  const largest = Math.max(0, ...imagePatches)
  const rows = Math.min(largest, towerChunk[device === 'webgpu' ? 'attention' : 'all'])
  return imagePatches.length * rows * largest
}

interface KeptVision {
  imagePatches: readonly number[]
  device: Device
  checkpointed: boolean
}

function keptVisionBytes(
  { hiddenSize, intermediateSize, heads, layers, windowedLayers, window }: VisionShape,
  { imagePatches, device, checkpointed }: KeptVision,
): number {
  const patches = imagePatches.reduce((sum, count) => sum + count, 0)
  const rows = 4 * patches * (10 * hiddenSize + 3 * intermediateSize)
  const whole = 4 * heads * imageScores(imagePatches, device)
  const windowed = 4 * heads * patches * window
  // Scores over all of an image are made again.
  const all = layers * rows + windowedLayers * windowed
  const anew = layers * 4 * patches * hiddenSize + 1.5 * (rows + whole)
  return fragments * (checkpointed ? Math.min(all, anew) : all)
}
