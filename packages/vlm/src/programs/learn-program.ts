/**
 * The learning pass as a program: packed groups of prompts with completions, policy and reference in one run, one flat
 * gradient.
 *
 * The reference is the same weights without what is trained. Only rows that predict a completion's token reach the last
 * norm, the head and the loss.
 */
import { flattenParameters, grad, op, policyLoss, stopGradient, type Graph, type Tensor } from '@evolmm/onnx'
import type { Backbone } from '../backbones/backbone'
import type { Layers } from '../backbones/layers'
import { embeddedPrompts } from './embedded-prompts'
import { visionInputs } from './encode-program'
import { reinforce, type Objective } from './objective'
import { packedAttention } from './packed-attention'
import { programGraph } from './program-graph'
import { programLayers, trainedInput, type Trained } from './program-layers'
import { loraA, loraB, type Trainable } from './trainable'
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
  /** Rows whose logits exist at the same time. @default 64 */
  chunk?: number
}

/**
 * Inputs, with G groups of T places and S scored tokens: `ids`, `segments` (0 prompt, n completion, -1 padding), int64
 * [G, T]; `prompt_width` int64 [1], the places before the first completion; `positions`, int64 [3, G T]; `features` [tokens, D] and `feature_rows` int64 [tokens]; `rows` (which predict),
 * `tokens` (what they predict), int64 [S]; `weights`, `kl_weights` and, if the
 * objective reads it, `sampled`, float32 [S]; `parameters` float32 [P];
 * `dropout_seed` int64. With `pixels` also the inputs of the tower; `features`, those of the base, are then read with `kl`
 * alone.
 * Outputs: `loss`, `log_probabilities`, `entropy`, `kl` [S] and `gradient` [P].
 */
export function learnProgram(options: LearnProgramOptions): Graph {
  const { backbone, files, trainable, objective = reinforce, checkpointed = false, chunk = 64 } = options
  const { dropout = 0 } = options
  const graph = programGraph('learn')
  const { hiddenSize } = backbone.sizes
  const int = (name: string, shape: (string | number)[]) => graph.input(name, 'int64', shape)
  const float = (name: string, shape: (string | number)[]) => graph.input(name, 'float32', shape)
  const segments = int('segments', ['G', 'T'])
  const ids = op.Reshape(int('ids', ['G', 'T']), [-1])
  const positions = int('positions', [3, 'rows'])
  const base = {
    ids,
    imageRows: int('feature_rows', ['image_tokens']),
  }
  let ofBase: Tensor | undefined
  const baseFeatures = (): Tensor => (ofBase ??= float('features', ['image_tokens', hiddenSize]))
  const rows = int('rows', ['S'])
  const tokens = int('tokens', ['S'])
  const weights = float('weights', ['S'])

  const frozen = frozenWeights(graph, files)
  const trained = trainable && trainedInput(graph, trainable)
  const policyLayers = programLayers({
    graph,
    frozen,
    trained,
    dropout: dropout > 0 ? { rate: dropout, seed: int('dropout_seed', []) } : undefined,
    checkpointed: checkpointed && options.gradient,
    quantized: files.quantized,
  })
  const attend = packedAttention({ segments, promptWidth: int('prompt_width', [1]) })
  const scored = (layers: Layers, features: Tensor): Tensor => {
    const embedded = embeddedPrompts(backbone, layers, { ...base, features })
    return backbone.finalNorm(layers, backbone.decoder(layers, { embedded, positions, attend, keep: rows }))
  }

  /** What the divergence is from: hidden states where the head is shared, logits where the policy has its own. */
  const reference = (policy: Trained): { hidden: Tensor } | { logits: Tensor } => {
    const layers = programLayers({ graph, frozen, quantized: files.quantized })
    const states = scored(layers, baseFeatures())
    if (!trainsHead(backbone, policy)) return { hidden: stopGradient(states) }
    return { logits: stopGradient(layers.linear(states, 'lm_head', backbone.headWeight)) }
  }

  const features =
    options.pixels === true ? backbone.vision(policyLayers, visionInputs(graph, backbone)) : baseFeatures()
  const hidden = scored(policyLayers, features)
  const head = policyHead(backbone, policyLayers, trained)
  const kl =
    options.kl && trained ? { ...reference(trained), weights: float('kl_weights', ['S']) } : undefined

  let perToken = weights
  let own: Tensor | undefined
  if (objective !== reinforce) {
    // A first sweep for the log-probabilities; what the objective makes of them weighs the tokens of the second.
    const nothing = op.Mul(weights, 0)
    const { logProbabilities } = policyLoss({
      hidden: stopGradient(hidden),
      weight: head,
      tokens,
      weights: nothing,
      chunk,
    })
    let sampled: Tensor | undefined
    own = objective({
      logProbabilities,
      // An input only of programs whose objective reads it.
      get sampledLogProbabilities() {
        return (sampled ??= float('sampled', ['S']))
      },
      weights,
    })
    perToken = stopGradient(op.Neg(grad(own, [logProbabilities])[0]))
  }
  const result = policyLoss({ hidden, weight: head, tokens, weights: perToken, chunk, ...(kl && { kl }) })
  const penalty = kl && op.ReduceSum(op.Mul(result.kl, kl.weights), undefined, { keepdims: 0 })
  const loss = own === undefined ? result.loss : penalty === undefined ? own : op.Add(own, penalty)
  if (options.gradient && trained)
    graph.output(
      'gradient',
      flattenParameters(trained.trainable.layout, grad(result.loss, [...trained.tensors.values()])),
    )
  graph.output('loss', op.Identity(loss))
  graph.output('log_probabilities', op.Identity(result.logProbabilities))
  graph.output('entropy', op.Identity(result.entropy))
  if (kl) graph.output('kl', op.Identity(result.kl))
  return graph
}

/** True if gradients must flow through the vision tower. */
export function trainsVision({ layout }: Trainable): boolean {
  return layout.entries.some(({ name }) => name.startsWith('model.visual.'))
}

/** True if a matrix as large as the vocabulary is trained, or made from what is. */
export function trainsVocabulary(
  { headWeight, embeddingWeight }: Backbone,
  { lora, full }: Trainable,
): boolean {
  return lora.has('lm_head') || full.has(headWeight) || full.has(embeddingWeight)
}

/** True if the policy's head is another one than the base's: adapted, or trained as a whole. */
function trainsHead({ headWeight }: Backbone, trained: Trained): boolean {
  return trained.trainable.lora.has('lm_head') || trained.trainable.full.has(headWeight)
}

/** The policy's head as one matrix [V, D]. */
function policyHead(backbone: Backbone, layers: Layers, trained: Trained | undefined): Tensor {
  const weight = layers.weight(backbone.headWeight)
  const lora = trained?.trainable.lora.get('lm_head')
  const [a, b] = [loraA('lm_head'), loraB('lm_head')].map((name) => trained?.tensors.get(name))
  if (lora === undefined || a === undefined || b === undefined) return weight
  return op.Add(weight, op.Mul(op.MatMul(b, a), lora.alpha / lora.rank))
}
