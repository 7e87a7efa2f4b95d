/**
 * Sampling as a program: G prompts x N samples in one run. The prompts are read once; then a loop decodes all samples in
 * lockstep, draws inside, and ends when every sample has stopped.
 */
import { op, type Graph, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Attend, CrossAttention, Layers } from '../backbones/layers'
import {
  cachedAttention,
  promptCache,
  type CachedAttentionOptions,
  type OwnCache,
  type PromptCache,
} from './cached-attention'
import { crossInputs, packedCross, stepCross, type CrossCache } from './cross-attention'
import { drawInputs } from './draw-inputs'
import { featureRows, featuresInput, imageRows } from './image-inputs'
import { logitsOf } from './logits-of'
import { maskInputs } from './mask-kinds'
import { packedAttention } from './packed-attention'
import { integer, programGraph } from './program-graph'
import { programLayers, trainedInput } from './program-layers'
import { readsInChunks } from './prompt-chunks'
import type { Trainable } from './trainable'
import { frozenWeights, type WeightFiles } from './weight-files'

export interface SampleProgramOptions {
  backbone: Backbone
  files: WeightFiles
  /** What is trained; the base policy is sampled without it. */
  trainable?: Trainable | undefined
  /** The longest prompt that is read, in tokens. @default a short one */
  promptTokens?: number | undefined
}

/**
 * Inputs: `ids`, `segments` (0, or -1 for padding at the end), int64 [G, T]; `positions` int64 [axes, G T];
 * `features` [tokens, featureSize], `feature_rows` int64 [tokens]; those of `maskInputs` [G, T]; `last_rows` int64 [G], the row of each prompt's last token; `starts` int64
 * [G], the position of the first new token; `owners` int64 [S], the prompt of each sample, in order, as many for each;
 * `uniforms` float64 [S, M], M being the most tokens to draw; `temperature`, `top_p` float32, `top_k` int64;
 * `stop_tokens` int64 [K]; `parameters` float32 [P].
 * Outputs: `tokens` int64, `sampled` and `plain` float32 [steps, S]; what follows a stop token is to be ignored.
 */
export function sampleProgram({ backbone, files, trainable, promptTokens = 0 }: SampleProgramOptions): Graph {
  const graph = programGraph('sample')
  const { draw, stops } = drawInputs(graph)
  const uniforms = graph.input('uniforms', 'float64', ['G*N', 'M'])
  const owners = graph.input('owners', 'int64', ['G*N'])
  const starts = graph.input('starts', 'int64', ['G'])
  const samples = op.Div(op.Shape(owners), op.Shape(starts))
  const frozen = frozenWeights(graph, files)
  const trained = trainable && trainedInput(graph, trainable)
  // Each node of the packed kernel has a copy of its own: one for the loop is enough.
  const reading = programLayers({ graph, frozen, trained, quantized: files.quantized, loops: files.loops })
  const layers = programLayers({ graph, frozen, trained })
  const {
    logits,
    stepCross: crossOf,
    ...read
  } = prefill(reading, backbone, { inChunks: readsInChunks(files.loops, promptTokens) })
  const cross = crossOf?.(samples)

  const first = draw(op.Gather(logits, owners), column(uniforms, 0))
  const stopped = stops(first.tokens)
  const own = emptyCaches(samples, read.prompts)
  const steps = op.Sub(op.Shape(uniforms, { start: 1 }), 1)
  const results = op.Loop(
    {
      trips: op.Reshape(steps, []),
      condition: some(op.Not(stopped)),
      carried: [first.tokens, stopped, ...own.flatMap(({ keys, values }) => [keys, values])],
    },
    (step, tokens, done, ...flat) => {
      const caches = flat.flatMap((keys, i) => (i % 2 === 0 ? [{ keys, values: flat[i + 1] }] : []))
      const next = decodeStep(backbone, layers, {
        tokens,
        places: op.Add(op.Gather(starts, owners), step),
        own: caches,
        samples,
        cross,
        ...read,
      })
      const drawn = draw(next.logits, column(uniforms, op.Add(step, 1)))
      const ended = op.Or(done, stops(drawn.tokens))
      return {
        condition: some(op.Not(ended)),
        carried: [drawn.tokens, ended, ...next.own.flatMap(({ keys, values }) => [keys, values])],
        stacked: [drawn.tokens, drawn.sampled, drawn.plain],
      }
    },
  )
  const stacked = results.slice(-3)
  for (const [i, [name, tensor]] of (
    [
      ['tokens', first.tokens],
      ['sampled', first.sampled],
      ['plain', first.plain],
    ] as const
  ).entries())
    graph.output(name, op.Concat([op.Unsqueeze(tensor, [0]), stacked[i]], { axis: 0 }))
  return graph
}

type ReadPrompts = Omit<CachedAttentionOptions, 'samples' | 'own'> & {
  /** What a step sees of the features, from the number of samples; none where nothing attends to them. */
  stepCross: ((samples: Tensor) => CrossAttention) | undefined
}

/** Reads the prompts: their keys and values, and the logits [G, V] after the last token of each. */
function prefill(
  layers: Layers,
  backbone: Backbone,
  { inChunks }: { inChunks: boolean },
): ReadPrompts & { logits: Tensor } {
  const { graph } = layers
  const ids = graph.input('ids', 'int64', ['G', 'T'])
  const segments = graph.input('segments', 'int64', ['G', 'T'])
  const images = imageRows(featureRows(graph, backbone), featuresInput(graph, backbone))
  const masks = maskInputs(graph, backbone, ['G', 'T'])
  const packed = packedAttention({ segments, ...masks, chunked: inChunks })
  const crossing = crossInputs(graph, backbone)
  const cache: CrossCache = new Map()
  const lastRows = graph.input('last_rows', 'int64', ['G'])
  const prompts: PromptCache[] = []
  const attend: Attend = (layer, heads) => {
    prompts.push(promptCache(heads, segments))
    return packed(layer, heads)
  }
  const hidden = backbone.decoder(layers, {
    embedded: backbone.embed(layers, op.Reshape(ids, [-1]), images),
    positions: graph.input('positions', 'int64', [backbone.axes, 'G*T']),
    attend,
    cross: crossing && images && packedCross(crossing, images.features, { segments, cache }),
    images,
    keep: lastRows,
  })
  const [none, hiddenScore] = [0, -1e30].map((value) => graph.constant('float32', [], [value]))
  const padding = op.Where(op.Less(segments, 0), hiddenScore, none)
  return {
    prompts,
    promptMask: op.Unsqueeze(padding, [1, 2]),
    length: op.Shape(segments, { start: 1 }),
    kinds: masks.kinds,
    promptLengths:
      masks.places &&
      op.ReduceSum(op.Cast(op.GreaterOrEqual(segments, 0), { to: 'int64' }), [1], { keepdims: 0 }),
    stepCross: crossing && ((samples) => stepCross(crossing, { cache, lastRows, samples })),
    logits: logitsOf(backbone, layers, hidden),
  }
}

type StepInputs = CachedAttentionOptions & {
  cross: CrossAttention | undefined
  /** The newest token of each sample, [S]. */
  tokens: Tensor
  /** The place of each token, [S]. */
  places: Tensor
}

/** Logits [S, V] after one more token of each sample. */
function decodeStep(
  backbone: Backbone,
  layers: Layers,
  { tokens, places, cross, ...caches }: StepInputs,
): { logits: Tensor; own: OwnCache[] } {
  const axes = layers.graph.constant('int64', [2], [backbone.axes, 1])
  const positions = op.Expand(op.Unsqueeze(places, [0]), axes)
  const { attend, grown } = cachedAttention(caches)
  const embedded = backbone.embed(layers, tokens)
  const hidden = backbone.decoder(layers, { embedded, positions, attend, cross })
  return { logits: logitsOf(backbone, layers, hidden), own: grown }
}

/** No tokens yet, [G, keyValueHeads, N, 0, d] for each layer. */
function emptyCaches(samples: Tensor, prompts: readonly PromptCache[]): OwnCache[] {
  const { graph } = samples.scope
  return prompts.map(({ values }) => {
    const ints = (...sizes: number[]) => graph.constant('int64', [sizes.length], sizes)
    const shape = op.Concat(
      [op.Shape(values, { end: 2 }), samples, ints(0), op.Shape(values, { start: 3 })],
      { axis: 0 },
    )
    const [ownKeys, ownValues] = [0, 1].map(() =>
      op.ConstantOfShape(shape, graph.constant('float32', [1], [0])),
    )
    return { keys: ownKeys, values: ownValues }
  })
}

function column(matrix: Tensor, index: number | Tensor): Tensor {
  const { graph } = matrix.scope
  const at = typeof index === 'number' ? integer(graph, index) : index
  return op.Gather(matrix, at, { axis: 1 })
}

/** True if any of the flags is set. */
function some(flags: Tensor): Tensor {
  return op.Greater(op.ReduceSum(op.Cast(flags, { to: 'int64' }), undefined, { keepdims: 0 }), 0)
}
