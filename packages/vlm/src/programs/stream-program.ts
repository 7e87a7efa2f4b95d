/**
 * The sampler in single steps, for text that a person watches: one sample of one prompt. Run first with the prompt and
 * empty caches, then with each token and the caches that came out. Keys and values cross to the host, so this is slower
 * than `sampleProgram`; it draws the same tokens.
 */
import { attention, op, type Graph, type Tensor } from '@evolmm/onnx'
import type { Attend } from '../backbones/layers'
import { drawInputs } from './draw-inputs'
import { embeddedPrompts } from './embedded-prompts'
import { logitsOf } from './logits-of'
import { programGraph } from './program-graph'
import { programLayers, trainedInput } from './program-layers'
import type { SampleProgramOptions } from './sample-program'
import { frozenWeights } from './weight-files'

/**
 * Inputs: `ids` int64 [T]; `positions` int64 [3, T]; `features` [tokens, D] and `feature_rows` int64 [tokens]; `uniform`
 * float64 [1]; those of `drawInputs`; for each layer `keys_n` and `values_n`, [1, t, keyValueSize]; `parameters` [P] if
 * trained. Outputs: `token` int64 [1], `sampled` and `plain` [1], `stopped` bool [1], and `new_keys_n`, `new_values_n`
 * [1, t + T, keyValueSize].
 */
export function streamProgram({ backbone, files, trainable }: SampleProgramOptions): Graph {
  const graph = programGraph('stream')
  const { draw, stops } = drawInputs(graph)
  const { layers: count, keyValueSize, hiddenSize } = backbone.sizes
  const layers = programLayers({
    graph,
    frozen: frozenWeights(graph, files),
    trained: trainable && trainedInput(graph, trainable),
  })
  const ids = graph.input('ids', 'int64', ['T'])
  const embedded = embeddedPrompts(backbone, layers, {
    ids,
    features: graph.input('features', 'float32', ['image_tokens', hiddenSize]),
    imageRows: graph.input('feature_rows', 'int64', ['image_tokens']),
  })
  const caches = Array.from({ length: count }, (_, layer) =>
    ['keys', 'values'].map((name) => graph.input(`${name}_${layer}`, 'float32', [1, 't', keyValueSize])),
  )
  const mask = causalMask(ids, caches[0][0])
  const attend: Attend = (layer, { q, k, v, heads, keyValueHeads, headSize }) => {
    const [keys, values] = [k, v].map((rows, i) => {
      const all = op.Concat([caches[layer][i], op.Unsqueeze(rows, [0])], { axis: 1 })
      graph.output(`new_${['keys', 'values'][i]}_${layer}`, all)
      return all
    })
    const mixed = attention({
      q: op.Unsqueeze(q, [0]),
      k: keys,
      v: values,
      mask,
      heads,
      keyValueHeads,
      headSize,
    })
    return op.Squeeze(mixed, [0])
  }
  const positions = graph.input('positions', 'int64', [3, 'T'])
  const hidden = backbone.decoder(layers, { embedded, positions, attend })
  const last = op.Slice(hidden, [-1], [2 ** 31 - 1], [0])
  const drawn = draw(logitsOf(backbone, layers, last), graph.input('uniform', 'float64', [1]))
  graph.output('token', op.Identity(drawn.tokens))
  graph.output('sampled', op.Identity(drawn.sampled))
  graph.output('plain', op.Identity(drawn.plain))
  graph.output('stopped', stops(drawn.tokens))
  return graph
}

/** New token i, place t + i, sees places up to its own: [T, t + T]. */
function causalMask(ids: Tensor, cache: Tensor): Tensor {
  const { graph } = ids.scope
  const scalar = (value: number) => graph.constant('int64', [], [value])
  const past = op.Reshape(op.Shape(cache, { start: 1, end: 2 }), [])
  const all = op.Add(past, op.Reshape(op.Shape(ids), []))
  const rows = op.Range(past, all, scalar(1))
  const columns = op.Range(scalar(0), all, scalar(1))
  const seen = op.LessOrEqual(op.Unsqueeze(columns, [0]), op.Unsqueeze(rows, [1]))
  return op.Where(seen, graph.constant('float32', [], [0]), graph.constant('float32', [], [-1e30]))
}
