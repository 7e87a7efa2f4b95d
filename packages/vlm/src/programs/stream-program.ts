/**
 * The sampler in single steps, for text that a person watches: one sample of one prompt. Run first with the prompt and
 * empty caches, then with each token and the caches that came out. Keys and values cross to the host, so this is slower
 * than `sampleProgram`; it draws the same tokens. A long prompt is read by a program of its own, some rows at a time.
 */
import { attention, op, type Graph, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Attend, MaskKind } from '../backbones/layers'
import { crossInputs, packedCross } from './cross-attention'
import { drawInputs } from './draw-inputs'
import { featureRows, featuresInput, imageRows } from './image-inputs'
import { logitsOf } from './logits-of'
import { imageRunsInput, maskKinds, masksOf } from './mask-kinds'
import { integer, programGraph } from './program-graph'
import { packedAttention } from './packed-attention'
import { programLayers, trainedInput } from './program-layers'
import type { SampleProgramOptions } from './sample-program'
import { frozenWeights } from './weight-files'

export interface StreamProgramOptions extends SampleProgramOptions {
  /** True reads a prompt from its beginning, some rows at a time, and takes no keys and values. @default false */
  reading?: boolean
}

/**
 * Inputs: `ids` int64 [T]; `positions` int64 [axes, T]; `features` [tokens, featureSize] and `feature_rows` int64 [tokens];
 * `image_runs` int64 [T] if images see themselves; `uniform` float64 [1]; those of `drawInputs`; for each layer `keys_n` and `values_n`, [1, t, keyValueSize]; `parameters` [P] if
 * trained. Outputs: `token` int64 [1], `sampled` and `plain` [1], `stopped` bool [1], and `new_keys_n`, `new_values_n`
 * [1, t + T, keyValueSize].
 */
export function streamProgram({ backbone, files, trainable, reading = false }: StreamProgramOptions): Graph {
  const graph = programGraph('stream')
  const { draw, stops } = drawInputs(graph)
  const layers = programLayers({
    graph,
    frozen: frozenWeights(graph, files),
    trained: trainable && trainedInput(graph, trainable),
  })
  const ids = graph.input('ids', 'int64', ['T'])
  const images = imageRows(featureRows(graph, backbone), featuresInput(graph, backbone))
  const attend = (reading ? promptAttend : stepAttend)(graph, backbone, ids)
  const crossing = crossInputs(graph, backbone)
  const hidden = backbone.decoder(layers, {
    embedded: backbone.embed(layers, ids, images),
    positions: graph.input('positions', 'int64', [backbone.axes, 'T']),
    attend,
    cross: crossing && images && packedCross(crossing, images.features, { segments: op.Unsqueeze(ids, [0]) }),
    images,
  })
  const last = op.Gather(hidden, graph.constant('int64', [1], [-1]))
  const drawn = draw(logitsOf(backbone, layers, last), graph.input('uniform', 'float64', [1]))
  graph.output('token', op.Identity(drawn.tokens))
  graph.output('sampled', op.Identity(drawn.sampled))
  graph.output('plain', op.Identity(drawn.plain))
  graph.output('stopped', stops(drawn.tokens))
  return graph
}

/** Attention of the tokens of a prompt among themselves. */
function promptAttend(graph: Graph, backbone: Backbone, ids: Tensor): Attend {
  const kinds = maskKinds(backbone)
  const runs = imageRunsInput(graph, kinds, ['T'])
  const batch = (x: Tensor) => op.Unsqueeze(x, [0])
  const places = op.Range(integer(graph, 0), op.Reshape(op.Shape(ids), []), integer(graph, 1))
  const attend = packedAttention({
    segments: batch(op.Mul(ids, 0)),
    kinds,
    places: batch(places),
    imageRuns: runs && batch(runs),
    chunked: true,
  })
  return (layer, heads) => {
    for (const [name, rows] of [
      ['keys', heads.k],
      ['values', heads.v],
    ] as const)
      graph.output(`new_${name}_${layer}`, batch(rows))
    return attend(layer, heads)
  }
}

/** Attention of new tokens to those before them, whose keys and values are inputs, and among themselves. */
function stepAttend(graph: Graph, backbone: Backbone, ids: Tensor): Attend {
  const { layers, keyValueSize } = backbone.sizes
  const caches = Array.from({ length: layers }, (_, layer) =>
    ['keys', 'values'].map((name) => graph.input(`${name}_${layer}`, 'float32', [1, 't', keyValueSize])),
  )
  const kinds = maskKinds(backbone)
  const imageRuns = imageRunsInput(graph, kinds, ['T'])
  const masks = masksOf(kinds, (kind) => stepMask(kind, { ids, cache: caches[0][0], imageRuns }))
  return (layer, { q, k, v, ...sizes }) => {
    const [keys, values] = [k, v].map((rows, i) => {
      const all = op.Concat([caches[layer][i], op.Unsqueeze(rows, [0])], { axis: 1 })
      graph.output(`new_${['keys', 'values'][i]}_${layer}`, all)
      return all
    })
    const mixed = attention({
      q: op.Unsqueeze(q, [0]),
      k: keys,
      v: values,
      mask: masks[layer],
      ...sizes,
    })
    return op.Squeeze(mixed, [0])
  }
}

interface StepMaskOptions {
  /** The ids of the new tokens, [T]. */
  ids: Tensor
  /** Keys of the tokens before them, [1, t, keyValueSize]. */
  cache: Tensor
  /** The stretch of image tokens that each new token belongs to, from 1, or 0. */
  imageRuns: Tensor | undefined
}

/** Added to the scores, [T, t + T]: new token i, place t + i, sees places up to its own. */
function stepMask({ window, wholeImages = false }: MaskKind, options: StepMaskOptions): Tensor {
  const { ids, cache, imageRuns } = options
  const { graph } = ids.scope
  const [none, hidden] = [0, -1e30].map((value) => graph.constant('float32', [], [value]))
  const length = op.Shape(cache, { start: 1, end: 2 })
  const past = op.Reshape(length, [])
  const all = op.Add(past, op.Reshape(op.Shape(ids), []))
  const rows = op.Unsqueeze(op.Range(past, all, integer(graph, 1)), [1])
  const columns = op.Unsqueeze(op.Range(integer(graph, 0), all, integer(graph, 1)), [0])
  let seen = op.LessOrEqual(columns, rows)
  if (window !== undefined) seen = op.And(seen, op.Greater(columns, op.Sub(rows, window)))
  const mask = op.Where(seen, none, hidden)
  if (!wholeImages || imageRuns === undefined) return mask
  // No new token is of an image that was read before.
  const before = op.ConstantOfShape(length, graph.constant('int64', [1], [0]))
  const run = op.Unsqueeze(op.Concat([before, imageRuns], { axis: 0 }), [0])
  const same = op.And(op.Equal(op.Unsqueeze(imageRuns, [1]), run), op.Greater(run, 0))
  return op.Where(same, none, mask)
}
