/** The divergence of two distributions over all words, and the entropy of one; no sampling, no estimate. */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { Add, Exp, Mul, Neg, Sub } from '../ops/elementwise'
import { LogSoftmax } from '../ops/normalization'
import { ReduceSum } from '../ops/reduction'
import { Squeeze, Unsqueeze } from '../ops/shaping'

const divergence = customOp({
  name: 'ExactKl',
  forward: (policy, reference) => {
    const logPolicy = LogSoftmax(policy)
    const terms = Mul(Exp(logPolicy), Sub(logPolicy, LogSoftmax(reference)))
    return [ReduceSum(terms, [1], { keepdims: 0 })]
  },
  backward: ({ inputs: [policy, reference], outputs: [kl], gradients: [gradient] }) => {
    if (gradient === undefined) return []
    const logPolicy = LogSoftmax(policy)
    const excess = Sub(Sub(logPolicy, LogSoftmax(reference)), Unsqueeze(kl, [1]))
    return [Mul(Mul(Exp(logPolicy), excess), Unsqueeze(gradient, [1]))]
  },
})

/** `sum_v pi(v) (ln pi(v) - ln ref(v))` for each row of two logits [R, V], as [R]. The reference gets no gradient. */
export function exactKl(policyLogits: Tensor, referenceLogits: Tensor): Tensor {
  return divergence(policyLogits, referenceLogits)[0]
}

const shannon = customOp({
  name: 'Entropy',
  forward: (logits) => {
    const logarithm = LogSoftmax(logits)
    return [Neg(Squeeze(ReduceSum(Mul(Exp(logarithm), logarithm), [1]), [1]))]
  },
  backward: ({ inputs: [logits], outputs: [value], gradients: [gradient] }) => {
    if (gradient === undefined) return []
    const logarithm = LogSoftmax(logits)
    const excess = Mul(Exp(logarithm), Add(logarithm, Unsqueeze(value, [1])))
    return [Mul(excess, Neg(Unsqueeze(gradient, [1])))]
  },
})

/** Entropy in nats of each row of logits [R, V], as [R]. */
export function entropy(logits: Tensor): Tensor {
  return shannon(logits)[0]
}
