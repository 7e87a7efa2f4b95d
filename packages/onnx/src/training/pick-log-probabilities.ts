/** Log-probabilities of given tokens, from logits. */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { Add, Cast, Exp, Log, Mul, Neg, Sub } from '../ops/elementwise'
import { GatherElements, ScatterElements } from '../ops/indexing'
import { ReduceMax, ReduceSum } from '../ops/reduction'
import { Squeeze, Unsqueeze } from '../ops/shaping'
import { checkOperands } from './check-operands'

const operator = customOp({
  name: 'PickLogProbabilities',
  // The second output, [R, 1], is all that the backward pass needs besides the logits.
  forward: (logits, tokens) => {
    const normalizer = logSumExp(logits)
    const picked = GatherElements(logits, Unsqueeze(tokens, [1]), { axis: 1 })
    return [Squeeze(Sub(picked, normalizer), [1]), normalizer]
  },
  backward: ({ inputs: [logits, tokens], outputs: [, normalizer], gradients: [gradient] }) => {
    if (gradient === undefined) return []
    const column = Unsqueeze(gradient, [1])
    const spread = Mul(Exp(Sub(logits, normalizer)), Neg(column))
    return [ScatterElements(spread, Unsqueeze(tokens, [1]), column, { axis: 1, reduction: 'add' })]
  },
})

/**
 * `log softmax(logits)[r, tokens[r]]` for logits [R, V] and tokens [R] (int64 or int32), as [R]. No [R, V] besides the
 * logits is kept for the backward pass. With many words, `policyLoss` does without the logits too.
 */
export function pickLogProbabilities(logits: Tensor, tokens: Tensor): Tensor {
  checkOperands('pickLogProbabilities', {
    logits: { tensor: logits, shape: ['R', 'V'] },
    tokens: { tensor: tokens, shape: ['R'], type: 'index' },
  })
  return operator(logits, tokens.dtype === 'int64' ? tokens : Cast(tokens, { to: 'int64' }))[0]
}

/** Logarithm of the summed exponentials of each row, [R, 1]; the largest is taken out first on every provider. */
function logSumExp(x: Tensor): Tensor {
  const largest = ReduceMax(x, [1])
  return Add(Log(ReduceSum(Exp(Sub(x, largest)), [1])), largest)
}
