/**
 * Sampling as a program: G prompts x N samples in one run. The prompts are read once; then a loop decodes all samples in
 * lockstep, draws inside, and ends when every sample has stopped.
 */
import { Graph, op, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Attend, Layers } from '../backbones/layers'
import { cachedAttention, promptCache, type OwnCache, type PromptCache } from './cached-attention'
import { draw, type Drawn } from './draw'
import { embeddedPrompts } from './embedded-prompts'
import { packedAttention } from './packed-attention'
import { programLayers, trainedInput } from './program-layers'
import type { Trainable } from './trainable'
import { frozenWeights, type WeightFiles } from './weight-files'

export interface SampleProgramOptions {
  backbone: Backbone
  files: WeightFiles
  /** Without it the base policy is sampled. */
  trainable?: Trainable | undefined
}

/**
 * Inputs: `ids`, `segments` (0, or -1 for padding at the end), int64 [G, T]; `positions` int64 [3, G T]; `features`
 * [tokens, D], `feature_rows` int64 [tokens]; `last_rows` int64 [G], the row of each prompt's last token; `starts` int64
 * [G], the position of the first new token; `owners` int64 [S], the prompt of each sample, in order, as many for each;
 * `uniforms` float64 [S, M], M being the most tokens to draw; `temperature`, `top_p` float32, `top_k` int64;
 * `stop_tokens` int64 [K]; `parameters` float32 [P].
 * Outputs: `tokens` int64, `sampled` and `plain` float32 [steps, S]; what follows a stop token is to be ignored.
 */
export function sampleProgram({ backbone, files, trainable }: SampleProgramOptions): Graph {
  const graph = new Graph('sample')
  const inputs = samplerInputs(graph)
  const layers = programLayers({
    graph,
    frozen: frozenWeights(graph, files),
    trained: trainable && trainedInput(graph, trainable),
  })
  const { prompts, logits, promptMask } = prefill(graph, backbone, layers)

  const first = inputs.draw(op.Gather(logits, inputs.owners), column(inputs.uniforms, 0))
  const stopped = inputs.stops(first.tokens)
  const own = emptyCaches(graph, backbone, inputs.owners, prompts)
  const steps = op.Sub(op.Shape(inputs.uniforms, { start: 1 }), 1)
  const results = op.Loop(
    {
      trips: op.Reshape(steps, []),
      condition: some(op.Not(stopped)),
      carried: [first.tokens, stopped, ...own.flatMap(({ keys, values }) => [keys, values])],
    },
    (step, tokens, done, ...flat) => {
      const caches = flat.flatMap((keys, i) => (i % 2 === 0 ? [{ keys, values: flat[i + 1] }] : []))
      const next = decodeStep(backbone, layers, { tokens, step, inputs, prompts, promptMask, own: caches })
      const drawn = inputs.draw(next.logits, column(inputs.uniforms, op.Add(step, 1)))
      const ended = op.Or(done, inputs.stops(drawn.tokens))
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

export interface SamplerInputs {
  owners: Tensor
  starts: Tensor
  uniforms: Tensor
  draw: (logits: Tensor, uniforms: Tensor) => Drawn
  /** Which of the tokens end a sample. */
  stops: (tokens: Tensor) => Tensor
}

function samplerInputs(graph: Graph): SamplerInputs {
  const [temperature, topP] = ['temperature', 'top_p'].map((name) => graph.input(name, 'float32', []))
  const topK = graph.input('top_k', 'int64', [])
  const stopTokens = graph.input('stop_tokens', 'int64', ['K'])
  return {
    owners: graph.input('owners', 'int64', ['S']),
    starts: graph.input('starts', 'int64', ['G']),
    uniforms: graph.input('uniforms', 'float64', ['S', 'M']),
    draw: (logits, uniforms) => draw({ logits, uniforms, temperature, topP, topK }),
    stops: (tokens) => {
      const same = op.Equal(op.Unsqueeze(tokens, [1]), op.Unsqueeze(stopTokens, [0]))
      return op.Greater(op.ReduceSum(op.Cast(same, { to: 'int64' }), [1], { keepdims: 0 }), 0)
    },
  }
}

/** Reads the prompts: their keys and values, and the logits [G, V] after the last token of each. */
function prefill(
  graph: Graph,
  backbone: Backbone,
  layers: Layers,
): { prompts: PromptCache[]; logits: Tensor; promptMask: Tensor } {
  const ids = graph.input('ids', 'int64', ['G', 'T'])
  const segments = graph.input('segments', 'int64', ['G', 'T'])
  const embedded = embeddedPrompts(backbone, layers, {
    ids: op.Reshape(ids, [-1]),
    features: graph.input('features', 'float32', ['image_tokens', backbone.sizes.hiddenSize]),
    imageRows: graph.input('feature_rows', 'int64', ['image_tokens']),
  })
  const packed = packedAttention(segments)
  const prompts: PromptCache[] = []
  const attend: Attend = (layer, heads) => {
    prompts.push(promptCache(heads, segments))
    return packed(layer, heads)
  }
  const hidden = backbone.decoder(layers, {
    embedded,
    positions: graph.input('positions', 'int64', [3, 'rows']),
    attend,
  })
  const last = op.Gather(hidden, graph.input('last_rows', 'int64', ['G']))
  const [none, hiddenScore] = [0, -1e30].map((value) => graph.constant('float32', [], [value]))
  const padding = op.Where(op.Less(segments, 0), hiddenScore, none)
  return { prompts, logits: logitsOf(backbone, layers, last), promptMask: op.Unsqueeze(padding, [1, 2]) }
}

function logitsOf(backbone: Backbone, layers: Layers, hidden: Tensor): Tensor {
  return op.Gemm(backbone.finalNorm(layers, hidden), backbone.headWeight(layers), undefined, { transB: 1 })
}

interface StepInputs {
  /** The newest token of each sample, [S]. */
  tokens: Tensor
  /** How many tokens each sample had before it, a scalar. */
  step: Tensor
  inputs: Pick<SamplerInputs, 'owners' | 'starts'>
  prompts: readonly PromptCache[]
  promptMask: Tensor
  own: readonly OwnCache[]
}

/** Logits [S, V] after one more token of each sample. */
function decodeStep(
  backbone: Backbone,
  layers: Layers,
  { tokens, step, inputs, prompts, promptMask, own }: StepInputs,
): { logits: Tensor; own: OwnCache[] } {
  const { graph } = layers
  const place = op.Add(op.Gather(inputs.starts, inputs.owners), step)
  const three = graph.constant('int64', [2], [3, 1])
  const positions = op.Expand(op.Unsqueeze(place, [0]), three)
  const { attend, grown } = cachedAttention({ prompts, promptMask, own })
  const hidden = backbone.decoder(layers, { embedded: backbone.embed(layers, tokens), positions, attend })
  return { logits: logitsOf(backbone, layers, hidden), own: grown }
}

/** No tokens yet, [S, keyValueHeads, 0, d] for each layer. */
function emptyCaches(
  graph: Graph,
  { sizes }: Backbone,
  owners: Tensor,
  prompts: readonly PromptCache[],
): OwnCache[] {
  const [, heads, d] = prompts[0].keys.shape ?? []
  const shape = op.Concat([op.Shape(owners), graph.constant('int64', [3], [Number(heads), 0, Number(d)])], {
    axis: 0,
  })
  return Array.from({ length: sizes.layers }, () => {
    const [keys, values] = [0, 1].map(() => op.ConstantOfShape(shape, graph.constant('float32', [1], [0])))
    return { keys, values }
  })
}

function column(matrix: Tensor, index: number | Tensor): Tensor {
  const { graph } = matrix.scope
  const at = typeof index === 'number' ? graph.constant('int64', [], [index]) : index
  return op.Gather(matrix, at, { axis: 1 })
}

/** Whether any of the flags is set. */
function some(flags: Tensor): Tensor {
  return op.Greater(op.ReduceSum(op.Cast(flags, { to: 'int64' }), undefined, { keepdims: 0 }), 0)
}
