/** Logarithms of probabilities that stay numbers where words are ruled out. */
import type { Tensor } from '../graph/graph'
import { Max } from '../ops/elementwise'
import { LogSoftmax } from '../ops/normalization'

/**
 * `log softmax(logits)` for logits [R, V], but a large negative number in the place of -Infinity: products with the
 * probability, which is 0 there, are then 0 as they should be and not NaN.
 */
export function logProbabilities(logits: Tensor): Tensor {
  const { graph } = logits.scope
  const least = logits.dtype === 'float16' ? -1e4 : -1e30
  return Max(LogSoftmax(logits), graph.constant(logits.dtype, [], [least]))
}
