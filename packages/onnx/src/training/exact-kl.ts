/**
 * The divergence of two distributions over all words, and the entropy of one; no sampling, no estimate. Words may be
 * ruled out by logits of -Infinity: a word that the policy never says counts nothing, whatever the reference says.
 */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { Add, Exp, Mul, Neg, Sub } from '../ops/elementwise'
import { ReduceSum } from '../ops/reduction'
import { Squeeze, Unsqueeze } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { logProbabilities } from './log-probabilities'

const divergence = customOp({
  name: 'ExactKl',
  forward: (policy, reference) => {
    const logPolicy = logProbabilities(policy)
    const terms = Mul(Exp(logPolicy), Sub(logPolicy, logProbabilities(reference)))
    return [ReduceSum(terms, [1], { keepdims: 0 })]
  },
  backward: ({ inputs: [policy, reference], outputs: [kl], gradients: [gradient] }) => {
    if (gradient === undefined) return []
    const logPolicy = logProbabilities(policy)
    const excess = Sub(Sub(logPolicy, logProbabilities(reference)), Unsqueeze(kl, [1]))
    return [Mul(Mul(Exp(logPolicy), excess), Unsqueeze(gradient, [1]))]
  },
})

/**
 * `sum_v pi(v) (ln pi(v) - ln ref(v))` for each row of two logits [R, V], as [R]. The reference gets no gradient. A word
 * that the reference alone rules out counts 1e30 times its probability (1e4 in float16), where the sum would be
 * infinite: rule the word out in both.
 */
export function exactKl(policyLogits: Tensor, referenceLogits: Tensor): Tensor {
  checkOperands('exactKl', {
    policyLogits: { tensor: policyLogits, shape: ['R', 'V'] },
    referenceLogits: { tensor: referenceLogits, shape: ['R', 'V'] },
  })
  return divergence(policyLogits, referenceLogits)[0]
}

const shannon = customOp({
  name: 'Entropy',
  forward: (logits) => {
    const logarithm = logProbabilities(logits)
    return [Neg(Squeeze(ReduceSum(Mul(Exp(logarithm), logarithm), [1]), [1]))]
  },
  backward: ({ inputs: [logits], outputs: [value], gradients: [gradient] }) => {
    if (gradient === undefined) return []
    const logarithm = logProbabilities(logits)
    const excess = Mul(Exp(logarithm), Add(logarithm, Unsqueeze(value, [1])))
    return [Mul(excess, Neg(Unsqueeze(gradient, [1])))]
  },
})

/** Entropy in nats of each row of logits [R, V], as [R]. */
export function entropy(logits: Tensor): Tensor {
  checkOperands('entropy', { logits: { tensor: logits, shape: ['R', 'V'] } })
  return shannon(logits)[0]
}
