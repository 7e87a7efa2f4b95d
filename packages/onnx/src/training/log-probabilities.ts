/** Logarithms of probabilities that stay numbers where words are ruled out. */
import type { Tensor } from '../graph/graph'
import { Exp, Log, Max, Sub } from '../ops/elementwise'
import { ReduceMax, ReduceSum } from '../ops/reduction'

/**
 * `log softmax(logits)` for logits [R, V], but a large negative number in the place of -Infinity: products with the
 * probability, which is 0 there, are then 0 as they should be and not NaN.
 */
export function logProbabilities(logits: Tensor): Tensor {
  const { graph } = logits.scope
  const least = logits.dtype === 'float16' ? -1e4 : -1e30
  return Max(logSoftmax(logits), graph.constant(logits.dtype, [], [least]))
}

/** `log softmax(logits)` for logits [R, V] in operators that every provider has: WebGPU has no kernel for `LogSoftmax`. */
export function logSoftmax(logits: Tensor): Tensor {
  const shifted = Sub(logits, ReduceMax(logits, [1]))
  return Sub(shifted, Log(ReduceSum(Exp(shifted), [1])))
}
