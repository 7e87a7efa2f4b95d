/**
 * What the learning pass minimises, as a function of the log-probability of each token. The divergence from the base
 * policy is added by the program.
 */
import { op, type Tensor } from '@evolmm/onnx'

export interface ObjectiveInputs {
  /** The log-probability of each token under the policy, [S]. */
  logProbabilities: Tensor
  /**
   * The log-probability of each token when it was sampled, [S]: the `logProbabilities` of the completions, which must
   * be given if this is read.
   */
  sampledLogProbabilities: Tensor
  /** What each token counts, advantages and normalisation included, [S]. */
  weights: Tensor
}

/** A scalar loss in onnx operations; its gradient with respect to the log-probabilities is what is trained on. */
export type Objective = (inputs: ObjectiveInputs) => Tensor

/** Sums `-weights logProbabilities`: REINFORCE, and next-token prediction when the weights are positive constants. */
export const reinforce: Objective = ({ logProbabilities, weights }) =>
  op.Neg(op.ReduceSum(op.Mul(logProbabilities, weights), undefined, { keepdims: 0 }))
