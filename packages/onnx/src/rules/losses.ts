/**
 * Gradients of the standard losses. With x the log-probability of a label and w the weight of its class, each element's
 * loss is -w x and the mean is -sum(w x) / sum(w), so that weights have gradients too. Where all elements are ignored
 * the mean is NaN and its gradients are 0, as in PyTorch.
 */
import type { GradientContext, GradientRule } from './rule'
import type { Tensor } from '../graph/graph'
import { onesLike, zerosLike } from '../ops/creation'
import { Add, Cast, Div, Equal, Exp, Mul, Neg, Not, Sub, Where } from '../ops/elementwise'
import { Gather, GatherElements, ScatterElements } from '../ops/indexing'
import { LogSoftmax } from '../ops/normalization'
import { ReduceSum } from '../ops/reduction'
import { Reshape, Squeeze, Unsqueeze } from '../ops/shaping'

/** What the gradients have in common, one number for each label: [N, d1, ..., dk]. */
interface Elements {
  /** Labels; 0 where they are ignored. */
  classes: Tensor
  /** The weight; 0 where the label is ignored. */
  weights: Tensor
  counts: Tensor | undefined
  /** The gradient of `weights` times the negative value, all elements or one number for all. */
  factor: Tensor
}

function elementsOf(c: GradientContext, gradient: Tensor): Elements {
  const [scores, labels] = [c.input(0), c.input(1)]
  const ignored = ignoredIndex(c)
  const counts = ignored === undefined ? undefined : Not(Equal(labels, ignored))
  const classes = counts === undefined ? labels : Where(counts, labels, 0)
  const each = c.has(2) ? Gather(c.input(2), classes) : onesLike(Cast(labels, { to: scores.dtype }))
  const weights = counts === undefined ? each : Where(counts, each, 0)
  if (c.string('reduction', 'mean') !== 'mean') return { classes, weights, counts, factor: gradient }
  const total = ReduceSum(weights, undefined, { keepdims: 0 })
  return { classes, weights, counts, factor: Div(gradient, Where(Equal(total, 0), 1, total)) }
}

function ignoredIndex({ node }: GradientContext): number | undefined {
  const given = Object.hasOwn(node.attributes, 'ignore_index') ? node.attributes.ignore_index : undefined
  return given?.type === 'int' ? Number(given.value) : undefined
}

/** The gradient of the weights of the classes; `values` are [N, C, ...]. */
function weightGradient(c: GradientContext, { classes, counts, factor }: Elements, values: Tensor): Tensor {
  const picked = Squeeze(GatherElements(values, Unsqueeze(classes, [1]), { axis: 1 }), [1])
  const isMean = c.string('reduction', 'mean') === 'mean'
  const each = Mul(isMean ? Add(picked, c.output()) : picked, Neg(factor))
  const shares = counts === undefined ? each : Where(counts, each, 0)
  return ScatterElements(zerosLike(c.input(2)), Reshape(classes, [-1]), Reshape(shares, [-1]), {
    reduction: 'add',
  })
}

const likelihood: GradientRule = (c) => {
  const elements = elementsOf(c, c.gradient)
  return [
    () => {
      const { classes, weights, factor } = elements
      const column = Unsqueeze(Neg(Mul(weights, factor)), [1])
      return ScatterElements(zerosLike(c.input(0)), Unsqueeze(classes, [1]), column, { axis: 1 })
    },
    undefined,
    () => weightGradient(c, elements, c.input(0)),
  ]
}

const crossEntropy: GradientRule = (c) => {
  const [gradient, all] = c.gradients
  const elements = gradient && elementsOf(c, gradient)
  const values = c.node.outputs[1] ?? LogSoftmax(c.input(0), { axis: 1 })
  return [
    () => {
      const given = all && Sub(all, Mul(Exp(values), ReduceSum(all, [1])))
      if (elements === undefined) return given ?? zerosLike(values)
      const { classes, weights, factor } = elements
      const column = Mul(weights, factor)
      const wide = Unsqueeze(column, [1])
      const spread = Mul(Exp(values), wide)
      const own = ScatterElements(spread, Unsqueeze(classes, [1]), Neg(wide), { axis: 1, reduction: 'add' })
      return given === undefined ? own : Add(own, given)
    },
    undefined,
    elements && (() => weightGradient(c, elements, values)),
  ]
}

export const losses: Record<string, GradientRule> = {
  NegativeLogLikelihoodLoss: likelihood,
  SoftmaxCrossEntropyLoss: crossEntropy,
}
