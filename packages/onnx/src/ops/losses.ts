/**
 * The standard losses of classes. Scores are [N, C, d1, ..., dk] and labels [N, d1, ..., dk], integers in [0, C);
 * weights are [C]. An element counts as much as the weight of its class, and not at all where its label is `ignore_index`.
 */
import { checkNames } from '@evolmm/internal'
import { int, string, type Attribute } from '../graph/attribute'
import type { Tensor } from '../graph/graph'
import { emit, graphOf } from './emit'
import { op } from './operands'

export interface LossOptions {
  /** The weighted mean, the sum, or the losses of all elements, in the shape of the labels. @default 'mean' */
  reduction?: 'none' | 'sum' | 'mean'
  /** Elements with this label, which may lie outside [0, C), do not count. @default none */
  ignore_index?: number
}

/** The negative log-probability of each label under the softmax of the scores over axis 1, and all log-probabilities. */
export function SoftmaxCrossEntropyLoss(
  scores: Tensor,
  labels: Tensor,
  weights?: Tensor,
  options: LossOptions = {},
): [loss: Tensor, log_prob: Tensor] {
  checkNames('SoftmaxCrossEntropyLoss', options, { reduction: true, ignore_index: true })
  const inputs = weights === undefined ? [scores, labels] : [scores, labels, weights]
  const graph = graphOf('SoftmaxCrossEntropyLoss', inputs)
  const [loss, log_prob] = emit(graph, 'SoftmaxCrossEntropyLoss', inputs, {
    attributes: attributesOf(options),
  })
  return [loss, log_prob]
}

/** The negative of what `input`, mostly log-probabilities over axis 1, holds for each target. */
export function NegativeLogLikelihoodLoss(
  input: Tensor,
  target: Tensor,
  weight?: Tensor,
  options: LossOptions = {},
): Tensor {
  checkNames('NegativeLogLikelihoodLoss', options, { reduction: true, ignore_index: true })
  const inputs = weight === undefined ? [input, target] : [input, target, weight]
  return op('NegativeLogLikelihoodLoss', inputs, { attributes: attributesOf(options) })
}

function attributesOf({ reduction = 'mean', ignore_index }: LossOptions): Record<string, Attribute> {
  return {
    reduction: string(reduction),
    ...(ignore_index !== undefined && { ignore_index: int(ignore_index) }),
  }
}
