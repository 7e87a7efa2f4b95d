/**
 * A vision tower over the patches of one or more images, in the order of `imagePatches`: pre-norm blocks with rotary
 * positions, and a merger that makes one token of a square of patches. Families differ in norms, in the
 * MLP and in which patches see each other.
 */
import { rowMajor } from '@evolmm/internal'
import { op, rotary, type Tensor } from '@evolmm/onnx'
import type { Feed } from '../feed'
import type { Layers } from '../layers'
import type { VisionShape } from '../shapes'
import type { PreparedImage, Vision } from '../vision'
import { gelu } from './activations'
import { nearWay, type BlockParts } from './near-way'
import { neighbourFeeds, neighbourInputs, neighboursOf } from './neighbours'
import { gridOf } from './patch-grid'
import { patchPlaces, placeAngles, type PatchPlace } from './patch-places'
import { patchProcessor } from './patch-processor'
import { areaOptions } from './patch-settings'
import { linearWeights, type WeightShape } from './weight-shapes'

export interface PatchTowerConfig {
  depth: number
  hiddenSize: number
  intermediateSize: number
  heads: number
  channels: number
  /** Width of the language model. */
  outHiddenSize: number
  patchSize: number
  spatialMergeSize: number
  temporalPatchSize: number
}

/** A part of a block: the weights that it has under a name, and what it makes of rows. */
export interface TowerModule {
  weights: (name: string) => WeightShape[]
  apply: (layers: Layers, x: Tensor, name: string) => Tensor
}

interface TowerKind {
  /** Groups of patches that see each other, all patches in one. */
  groups: (places: readonly PatchPlace[]) => number[][]
  /** True if a group grows with its image. */
  whole: boolean
}

export interface PatchTowerOptions {
  config: PatchTowerConfig
  /** What the names of its weights begin with. */
  prefix: string
  norm: TowerModule
  mlp: TowerModule
  /** Kinds of attention by name. */
  kinds: Readonly<Record<string, TowerKind>>
  /** The kind of a block. */
  kindOf: (block: number) => string
  /** The number of blocks that see a part of their image alone, and the number of patches of that part. */
  windows: Pick<VisionShape, 'windowedLayers' | 'window'>
}

export function patchTower(options: PatchTowerOptions): Vision {
  const { config, kinds } = options
  const { depth, hiddenSize, intermediateSize, heads, patchSize, temporalPatchSize } = config
  const mergeSize = config.spatialMergeSize
  const half = hiddenSize / heads / 2
  const patches = `${mergeSize ** 2}*image_tokens`
  return {
    fields: ['image_grid_thw'],
    imageOptions: areaOptions,
    processor: (folder, options) =>
      patchProcessor(folder, options, { patchSize, temporalPatchSize, mergeSize }),
    featureSize: config.outHiddenSize,
    inputs: [
      { name: 'pixels', dtype: 'float32', shape: [patches, patchNumbers(config)] },
      { name: 'cos', dtype: 'float32', shape: [patches, half] },
      { name: 'sin', dtype: 'float32', shape: [patches, half] },
      ...Object.entries(kinds).flatMap(([kind, { whole }]) => neighbourInputs(kind, patches, whole)),
    ],
    feeds: (prompts) => towerFeeds(options, prompts.flat()),
    features: (layers, inputs) => towerFeatures(layers, options, inputs),
    shape: {
      ...{ layers: depth, hiddenSize, intermediateSize, heads },
      patchSize: patchNumbers(config),
      patchesPerToken: mergeSize ** 2,
      ...options.windows,
    },
  }
}

/**
 * The weights in the order of the model. The patch embedding is a convolution [hidden, channels, time, height, width]
 * without a bias.
 */
export function patchTowerWeights({ config, prefix, norm, mlp }: PatchTowerOptions): WeightShape[] {
  const { depth, hiddenSize, channels, outHiddenSize, patchSize, temporalPatchSize } = config
  const merged = hiddenSize * config.spatialMergeSize ** 2
  const block = (name: string): WeightShape[] => [
    ...norm.weights(`${name}.norm1`),
    ...linearWeights(`${name}.attn.qkv`, [3 * hiddenSize, hiddenSize], true),
    ...linearWeights(`${name}.attn.proj`, [hiddenSize, hiddenSize], true),
    ...norm.weights(`${name}.norm2`),
    ...mlp.weights(`${name}.mlp`),
  ]
  return [
    [`${prefix}.patch_embed.proj.weight`, [hiddenSize, channels, temporalPatchSize, patchSize, patchSize]],
    ...Array.from({ length: depth }, (_, i) => block(`${prefix}.blocks.${i}`)).flat(),
    ...norm.weights(`${prefix}.merger.ln_q`),
    ...linearWeights(`${prefix}.merger.mlp.0`, [merged, merged], true),
    ...linearWeights(`${prefix}.merger.mlp.2`, [outHiddenSize, merged], true),
  ]
}

/** Numbers that a patch is fed as. */
function patchNumbers({ channels, temporalPatchSize, patchSize }: PatchTowerConfig): number {
  return channels * temporalPatchSize * patchSize ** 2
}

function towerFeeds(
  { config, kinds }: PatchTowerOptions,
  images: readonly PreparedImage[],
): Record<string, Feed> {
  const headSize = config.hiddenSize / config.heads
  const places = patchPlaces(images.map(gridOf), config.spatialMergeSize)
  const { cos, sin } = placeAngles(places, headSize)
  const table = (width: number, data: Float32Array): Feed => ({
    dtype: 'float32',
    dims: [places.length, width],
    data,
  })
  const near = Object.entries(kinds).map(([kind, { groups }]) => neighbourFeeds(kind, groups(places)))
  return Object.assign(
    {
      pixels: table(patchNumbers(config), joined(images.map(({ pixels }) => rowMajor(pixels)))),
      cos: table(headSize / 2, cos),
      sin: table(headSize / 2, sin),
    },
    ...near,
  ) as Record<string, Feed>
}

/** Image tokens, [patches / spatialMergeSize², outHiddenSize], in the processor's order. */
function towerFeatures(
  layers: Layers,
  options: PatchTowerOptions,
  inputs: ReadonlyMap<string, Tensor>,
): Tensor {
  const { config, prefix, kinds, kindOf } = options
  const { heads, hiddenSize } = config
  const [pixels, cos, sin] = ['pixels', 'cos', 'sin'].map((name) => {
    const tensor = inputs.get(name)
    if (tensor === undefined) throw new Error(`internal: the vision tower has no input "${name}"`)
    return tensor
  })
  const ways = new Map(
    Object.entries(kinds).map(([kind, { whole }]) => {
      const near = neighboursOf(kind, inputs)
      return [kind, nearWay(layers, near, { heads, headSize: hiddenSize / heads, whole })]
    }),
  )
  const filters = op.Reshape(layers.weight(`${prefix}.patch_embed.proj.weight`), [
    hiddenSize,
    patchNumbers(config),
  ])
  let hidden = op.Gemm(pixels, filters, undefined, { transB: 1 })
  for (let block = 0; block < config.depth; block++) {
    const way = ways.get(kindOf(block))
    if (way === undefined) throw new Error(`internal: no rows are near each other in block ${block}`)
    const parts = blockParts(layers, options, `${prefix}.blocks.${block}`)
    hidden = layers.block((x) => way(parts, x, [cos, sin]), hidden)
  }
  return merged(layers, options, hidden)
}

/** Each square of patches as one token. */
function merged(layers: Layers, { config, prefix, norm }: PatchTowerOptions, hidden: Tensor): Tensor {
  const { hiddenSize } = config
  const width = hiddenSize * config.spatialMergeSize ** 2
  const [tokens] = layers.rowwise(
    (squares) => {
      const rows = norm.apply(layers, op.Reshape(squares, [-1, hiddenSize]), `${prefix}.merger.ln_q`)
      const wide = layers.linear(op.Reshape(rows, [-1, width]), `${prefix}.merger.mlp.0`)
      return [layers.linear(gelu(wide), `${prefix}.merger.mlp.2`)]
    },
    [op.Reshape(hidden, [-1, width])],
  )
  return tokens
}

/** What a block does to each row by itself, before and after rows see each other. */
function blockParts(layers: Layers, { config, norm, mlp }: PatchTowerOptions, name: string): BlockParts {
  const { hiddenSize, heads } = config
  return {
    before: (rows, [cos, sin]) => {
      const qkv = layers.linear(norm.apply(layers, rows, `${name}.norm1`), `${name}.attn.qkv`)
      const [q, k, v] = [0, 1, 2].map((part) =>
        op.Slice(qkv, [part * hiddenSize], [(part + 1) * hiddenSize], [1]),
      )
      const [turnedQ, turnedK] = [q, k].map((x) => rotary({ x, cos, sin, heads }))
      return [turnedQ, turnedK, v]
    },
    after: (rows, mixed) => {
      const attended = op.Add(rows, layers.linear(mixed, `${name}.attn.proj`))
      const normalized = norm.apply(layers, attended, `${name}.norm2`)
      return op.Add(attended, mlp.apply(layers, normalized, `${name}.mlp`))
    },
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
