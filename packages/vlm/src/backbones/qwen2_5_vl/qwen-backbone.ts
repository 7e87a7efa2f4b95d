/** Qwen2.5-VL as the programs see it. */
import type { Tensor } from '@evolmm/onnx'
import { writeCheckpoint } from '../../checkpoint/write-checkpoint'
import { imageTokenCount } from '../parts/image-token-count'
import { estimateMemory } from '../../runtime/memory-estimate'
import type { Backbone, Feed } from '../backbone'
import type { QwenConfig } from './config'
import { decoder, embed, embeddingWeight, finalNorm, headWeight } from './decoder'
import { imagePatches } from '../parts/image-patches'
import { mropePositions } from '../parts/mrope-positions'
import { vision, type Neighbours } from './vision'
import { visionTables, type NeighbourTable } from './vision-tables'
import { expectedWeights, linearModules } from './weights'

export function qwenBackbone(config: QwenConfig): Backbone {
  const { text, vision: tower } = config
  const flat = tower.channels * tower.temporalPatchSize * tower.patchSize ** 2
  const half = tower.hiddenSize / tower.heads / 2
  return {
    weights: expectedWeights(config),
    modules: linearModules(config),
    tokens: config,
    sizes: {
      layers: text.layers,
      hiddenSize: text.hiddenSize,
      keyValueSize: text.keyValueHeads * text.headSize,
      vocabularySize: text.vocabularySize,
      maxPositions: text.maxPositions,
      imageTokens: (grid) => imageTokenCount(grid, tower.spatialMergeSize),
    },
    embed,
    decoder: (layers, inputs) => decoder(layers, config, inputs),
    finalNorm: (layers, hidden) => finalNorm(layers, config, hidden),
    headWeight: headWeight(config),
    embeddingWeight,
    visionInputs: [
      { name: 'pixels', dtype: 'float32', shape: ['patches', flat] },
      { name: 'cos', dtype: 'float32', shape: ['patches', half] },
      { name: 'sin', dtype: 'float32', shape: ['patches', half] },
      ...['window', 'image'].flatMap((kind) => [
        { name: `${kind}_rows`, dtype: 'int64' as const, shape: [`${kind}s`, `${kind}_length`] },
        { name: `${kind}_mask`, dtype: 'float32' as const, shape: [`${kind}s`, 1, 1, `${kind}_length`] },
        { name: `${kind}_places`, dtype: 'int64' as const, shape: ['patches'] },
      ]),
    ],
    vision: (layers, inputs) => {
      const get = (name: string): Tensor => {
        const tensor = inputs.get(name)
        if (tensor === undefined) throw new Error(`internal: the vision tower has no input "${name}"`)
        return tensor
      }
      const near = (kind: string): Neighbours => ({
        rows: get(`${kind}_rows`),
        mask: get(`${kind}_mask`),
        places: get(`${kind}_places`),
      })
      return vision(layers, config, {
        pixels: get('pixels'),
        cos: get('cos'),
        sin: get('sin'),
        windows: near('window'),
        images: near('image'),
      })
    },
    patches: {
      patchSize: tower.patchSize,
      temporalPatchSize: tower.temporalPatchSize,
      mergeSize: tower.spatialMergeSize,
    },
    imagePatches,
    visionFeeds: (images) => {
      const tables = visionTables(
        images.map(({ grid }) => grid),
        config,
      )
      return {
        pixels: {
          dtype: 'float32',
          dims: [tables.patches, flat],
          data: joined(images.map(({ pixels }) => pixels)),
        },
        cos: { dtype: 'float32', dims: [tables.patches, half], data: tables.cos },
        sin: { dtype: 'float32', dims: [tables.patches, half], data: tables.sin },
        ...neighbourFeeds('window', tables.windows, tables.patches),
        ...neighbourFeeds('image', tables.images, tables.patches),
      }
    },
    estimateMemory: (work) => estimateMemory({ ...work, config }),
    writeCheckpoint: (folder, options) => writeCheckpoint(folder, { ...options, config }),
    positions: (ids, grids) => mropePositions({ ids, grids, config }),
  }
}

function neighbourFeeds(kind: string, table: NeighbourTable, patches: number): Record<string, Feed> {
  const { batches, length, rows, mask, places } = table
  return {
    [`${kind}_rows`]: { dtype: 'int64', dims: [batches, length], data: rows },
    [`${kind}_mask`]: { dtype: 'float32', dims: [batches, 1, 1, length], data: mask },
    [`${kind}_places`]: { dtype: 'int64', dims: [patches], data: places },
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
