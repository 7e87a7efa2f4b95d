/**
 * The learning pass as a program: packed groups of prompts with completions, policy and reference in one run, one flat
 * gradient.
 *
 * The reference is the same weights without what is trained. Only rows that predict a completion's token, or for a value
 * head those of the tokens, reach the last norm, the head and the loss.
 */
import {
  flattenParameters,
  grad,
  op,
  policyLoss,
  stopGradient,
  type Graph,
  type PolicyLossOptions,
  type Shape,
  type Tensor,
} from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Layers } from '../backbones/layers'
import { crossInputs, packedCross } from './cross-attention'
import { featureRows, featuresInput, imageRows, visionInputs } from './image-inputs'
import { maskInputs } from './mask-kinds'
import { reinforce, type Objective } from './objective'
import { packedAttention } from './packed-attention'
import { programGraph } from './program-graph'
import { programLayers, trainedInput, type Trained } from './program-layers'
import { learnsInChunks, readsInChunks } from './prompt-chunks'
import { loraA, loraB, valueHeadWeight, type Trainable } from './trainable'
import { frozenWeights, type WeightFiles } from './weight-files'

export interface LearnProgramOptions {
  backbone: Backbone
  files: WeightFiles
  /** What is trained; the base policy is scored without it. */
  trainable?: Trainable | undefined
  /** True computes the gradient of the loss, false only what is reported. */
  gradient: boolean
  /** True computes the divergence from the base policy. */
  kl: boolean
  /** True makes the vision tower part of the pass, because it is trained and there are images. @default false */
  pixels?: boolean
  /** @default reinforce */
  objective?: Objective | undefined
  /** Share of the adapters' inputs that is dropped. @default 0 */
  dropout?: number
  /** Compute each block anew in the backward pass. @default false */
  checkpointed?: boolean
  /** The longest prompt that is read, in tokens. @default a short one */
  promptTokens?: number | undefined
  /** Rows whose logits exist at the same time. @default 64 */
  chunk?: number
}

/**
 * Inputs, with G groups of T places and S scored tokens: those of `scoringPass`; `features` [tokens, featureSize]; `tokens`
 * (what is predicted) int64 [S]; `weights`, `kl_weights` and, if the objective reads it, `sampled`, float32 [S];
 * `parameters` float32 [P]; `dropout_seed` int64. With `pixels` also the inputs of the tower; `features`, those of the base,
 * are then read with `kl` alone.
 * Outputs: `loss`, `log_probabilities`, `entropy`, `kl` [S] and `gradient` [P]. With a value head `targets` [S] takes the
 * place of `tokens`, and `values` [S] that of what is said of predictions.
 */
export function learnProgram(options: LearnProgramOptions): Graph {
  const { backbone, files, trainable, objective = reinforce, checkpointed = false, chunk = 64 } = options
  const { dropout = 0, pixels = false, promptTokens = 0 } = options
  const graph = programGraph('learn')
  const float = (name: string) => graph.input(name, 'float32', ['S'])
  const frozen = frozenWeights(graph, files)
  const trained = trainable && trainedInput(graph, trainable)
  const scored = scoringPass(graph, backbone, {
    read: readsInChunks(files.loops, promptTokens),
    learned: learnsInChunks(files.loops, promptTokens),
  })
  const baseFeatures = once(() => featuresInput(graph, backbone))
  const policy = programLayers({
    graph,
    frozen,
    trained,
    dropout: dropout > 0 ? { rate: dropout, seed: graph.input('dropout_seed', 'int64', []) } : undefined,
    checkpointed: checkpointed && options.gradient,
    quantized: files.quantized,
    loops: files.loops,
    gradient: options.gradient,
  })

  const { vision } = backbone
  const features = pixels && vision ? vision.features(policy, visionInputs(graph, vision)) : baseFeatures()
  const hidden = scored(policy, features, options.gradient)
  const head = trained?.tensors.get(valueHeadWeight)
  /** The reference is declared when it is its turn, behind the weights of the tokens. */
  const divergence = (): PolicyLossOptions['kl'] => {
    if (!options.kl || trained === undefined) return undefined
    const layers = programLayers({ graph, frozen, quantized: files.quantized, loops: files.loops })
    const states = scored(layers, baseFeatures())
    return { ...reference(backbone, trained, { layers, states }), weights: float('kl_weights') }
  }
  const { minimised, outputs } =
    head === undefined
      ? policyScores(
          {
            hidden,
            weight: policyHead(backbone, policy, trained),
            tokens: graph.input('tokens', 'int64', ['S']),
            chunk,
          },
          { objective, input: float, divergence },
        )
      : valueScores(hidden, head, { input: float })
  if (options.gradient && trained)
    graph.output(
      'gradient',
      flattenParameters(trained.trainable.layout, grad(minimised, [...trained.tensors.values()])),
    )
  for (const [name, value] of Object.entries(outputs)) graph.output(name, op.Identity(value))
  return graph
}

interface TokenOutputs {
  /** The scalar whose gradient is taken. */
  minimised: Tensor
  /** What the program reports, by the name of the output. */
  outputs: Readonly<Record<string, Tensor>>
}

/** Declares a number for each scored token. */
type PerToken = (name: string) => Tensor

interface PolicyScoresOptions {
  objective: Objective
  input: PerToken
  divergence: () => PolicyLossOptions['kl']
}

/** What a head that predicts tokens makes of the hidden states. */
function policyScores(
  predicted: Predicted,
  { objective, input, divergence }: PolicyScoresOptions,
): TokenOutputs {
  const weights = input('weights')
  const kl = divergence()
  const own = objective === reinforce ? undefined : ownLoss(predicted, { objective, weights, input })
  const result = policyLoss({ ...predicted, weights: own?.perToken ?? weights, ...(kl && { kl }) })
  const penalty = kl && op.ReduceSum(op.Mul(result.kl, kl.weights), undefined, { keepdims: 0 })
  const loss = own === undefined ? result.loss : penalty === undefined ? own.loss : op.Add(own.loss, penalty)
  return {
    minimised: result.loss,
    outputs: {
      loss,
      log_probabilities: result.logProbabilities,
      entropy: result.entropy,
      ...(kl && { kl: result.kl }),
    },
  }
}

/** What a value head makes of them: a number for each token, and the weighted squared distance from its target. */
function valueScores(hidden: Tensor, head: Tensor, { input }: { input: PerToken }): TokenOutputs {
  const values = op.Reshape(op.Gemm(hidden, head, undefined, { transB: 1 }), [-1])
  const distance = op.Sub(values, input('targets'))
  const squares = op.Mul(op.Mul(distance, distance), input('weights'))
  const loss = op.ReduceSum(squares, undefined, { keepdims: 0 })
  return { minimised: loss, outputs: { loss, values } }
}

/** What the head reads in the rows that are wanted, [S, D], from the features of the prompts' images. */
type ScoringPass = (layers: Layers, features: Tensor | undefined, gradient?: boolean) => Tensor

/** Passes whose prompts go in chunks. */
interface InChunks {
  /** True for a pass without a gradient. */
  read: boolean
  /** True for a pass with one. */
  learned: boolean
}

/**
 * Declares `ids`, `segments` (0 prompt, n completion, -1 padding), int64 [G, T] with T = P + C; `prompt_width` int64 [1], the
 * P places before the first completion; `positions` int64 [axes, G T]; `feature_rows` int64 [tokens]; `rows` (which predict)
 * int64 [S]; and those of `maskInputs`, [G, T], and of `crossInputs`.
 */
function scoringPass(graph: Graph, backbone: Backbone, inChunks: InChunks): ScoringPass {
  const int = (name: string, shape: Shape) => graph.input(name, 'int64', shape)
  const tokens = ['G', 'C+P'] as const
  const segments = int('segments', tokens)
  const ids = op.Reshape(int('ids', tokens), [-1])
  const positions = int('positions', [backbone.axes, '(C+P)*G'])
  const places = featureRows(graph, backbone)
  const keep = int('rows', ['S'])
  const packed = {
    segments,
    promptWidth: graph.input('prompt_width', 'int64', [1], { value: ['P'] }),
    ...maskInputs(graph, backbone, tokens),
  }
  const crossing = crossInputs(graph, backbone, tokens)
  return (layers, features, gradient = false) => {
    const attend = packedAttention({
      ...packed,
      chunked: gradient ? inChunks.learned : inChunks.read,
      learned: gradient,
    })
    const images = imageRows(places, features)
    const cross = crossing && features && packedCross(crossing, features, { segments })
    const embedded = backbone.embed(layers, ids, images)
    return backbone.finalNorm(
      layers,
      backbone.decoder(layers, { embedded, positions, attend, cross, images, keep }),
    )
  }
}

/** What the divergence is from: hidden states where the head is shared, logits where the policy has its own. */
function reference(
  { head }: Backbone,
  { trainable }: Trained,
  { layers, states }: { layers: Layers; states: Tensor },
): { hidden: Tensor } | { logits: Tensor } {
  if (!trainable.lora.has(head.module) && !trainable.full.has(head.weight))
    return { hidden: stopGradient(states) }
  return { logits: stopGradient(layers.linear(states, head.module, head.weight)) }
}

type Predicted = Pick<PolicyLossOptions, 'hidden' | 'weight' | 'tokens' | 'chunk'>

interface OwnLossOptions {
  objective: Objective
  weights: Tensor
  input: PerToken
}

/**
 * An objective of one's own: a first sweep for the log-probabilities; what the objective makes of them weighs the tokens of
 * the second.
 */
function ownLoss(
  predicted: Predicted,
  { objective, weights, input }: OwnLossOptions,
): { loss: Tensor; perToken: Tensor } {
  const { logProbabilities } = policyLoss({
    ...predicted,
    hidden: stopGradient(predicted.hidden),
    weights: op.Mul(weights, 0),
  })
  const sampled = once(() => input('sampled'))
  const loss = objective({
    logProbabilities,
    // An input only of programs whose objective reads it.
    get sampledLogProbabilities() {
      return sampled()
    },
    weights,
  })
  return { loss, perToken: stopGradient(op.Neg(grad(loss, [logProbabilities])[0])) }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** True if a matrix as large as the vocabulary is trained, or made from what is. */
export function trainsVocabulary({ head, embeddingWeight }: Backbone, { lora, full }: Trainable): boolean {
  return lora.has(head.module) || full.has(head.weight) || full.has(embeddingWeight)
}

/** The policy's head as one matrix [V, D]. */
function policyHead({ head }: Backbone, layers: Layers, trained: Trained | undefined): Tensor {
  const weight = layers.weight(head.weight)
  const lora = trained?.trainable.lora.get(head.module)
  const [a, b] = [loraA(head.module), loraB(head.module)].map((name) => trained?.tensors.get(name))
  if (lora === undefined || a === undefined || b === undefined) return weight
  return op.Add(weight, op.Mul(op.MatMul(b, a), lora.alpha / lora.rank))
}
