/** The standard losses of classes. */
import type { Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule, Inferred } from './context'
import { expectEqual } from './matrix'

const reductions = new Set(['none', 'sum', 'mean'])

/** The loss alone; `context` is checked. */
function loss(context: InferenceContext): Inferred {
  const [scores, labels] = [context.input(0), context.integers(1, ['int64', 'int32'])]
  const reduction = context.string('reduction', 'mean')
  if (!reductions.has(reduction))
    context.fail(`reduction ${JSON.stringify(reduction)} must be none, sum or mean`)
  if (scores.shape !== undefined) checkShapes(context, scores.shape)
  checkWeights(context)
  const elements = labels.shape ?? (scores.shape && [...scores.shape.slice(0, 1), ...scores.shape.slice(2)])
  return { dtype: scores.dtype, shape: reduction === 'none' ? elements : [] }
}

function checkShapes(context: InferenceContext, shape: Shape): void {
  const rule = 'input 0 must be [N, C, ...] and input 1 the same without C'
  if (shape.length < 2) context.fail(rule)
  const { shape: labels } = context.input(1)
  const elements = [...shape.slice(0, 1), ...shape.slice(2)]
  if (labels === undefined) return
  if (labels.length !== elements.length) context.fail(rule)
  for (const [axis, dim] of labels.entries()) expectEqual(context, dim, elements[axis], rule)
}

function checkWeights(context: InferenceContext): void {
  const [scores, weights] = [context.input(0), context.optional(2)]
  if (weights === undefined) return
  if (weights.dtype !== scores.dtype) context.fail('scores and weights must have one type')
  if (weights.shape === undefined) return
  const rule = 'input 2 must have one weight for each class'
  if (weights.shape.length !== 1) context.fail(rule)
  const classes = scores.shape?.[1]
  if (classes !== undefined) expectEqual(context, weights.shape[0], classes, rule)
}

export const losses: Record<string, InferenceRule> = {
  NegativeLogLikelihoodLoss: (context) => [loss(context)],
  SoftmaxCrossEntropyLoss: (context) => {
    const { dtype, shape } = context.input(0)
    return [loss(context), { dtype, shape }]
  },
}
