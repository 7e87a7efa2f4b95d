/**
 * Gradients of softmax and normalisations.
 *
 * A normalisation is xhat = (x - mean) r with r the inverse deviation, then a scale and a bias. With h the gradient of
 * xhat, that of x is r (h - mean(h) - xhat mean(h xhat)), all means over the normalised axes; without centring the
 * middle term is not there.
 */
import type { GradientContext, GradientRule } from './rule'
import { unbroadcast } from './unbroadcast'
import type { Tensor } from '../graph/graph'
import { Add, Exp, Mul, Neg, Reciprocal, Sqrt, Sub } from '../ops/elementwise'
import { ReduceMean, ReduceSum } from '../ops/reduction'
import { lengths } from '../ops/operands'
import { Reshape, Unsqueeze } from '../ops/shaping'
import { numberOf } from './number-of'

const softmax: GradientRule = (c) => [
  () => {
    const y = c.output()
    return Mul(y, Sub(c.gradient, ReduceSum(Mul(c.gradient, y), [c.int('axis', -1)])))
  },
]

const logSoftmax: GradientRule = (c) => [
  () => Sub(c.gradient, Mul(Exp(c.output()), ReduceSum(c.gradient, [c.int('axis', -1)]))),
]

interface Normalised {
  xhat: Tensor
  /** One over the deviation, with the normalised axes as length 1. */
  inverse: Tensor
  axes: readonly number[]
  centred: boolean
}

function inverseRoot(variance: Tensor, epsilon: number): Tensor {
  return Reciprocal(Sqrt(Add(variance, epsilon)))
}

function normalise(given: Tensor, axes: readonly number[], epsilon: number, centred = true): Normalised {
  const x = centred ? Sub(given, ReduceMean(given, axes)) : given
  const inverse = inverseRoot(ReduceMean(Mul(x, x), axes), epsilon)
  return { xhat: Mul(x, inverse), inverse, axes, centred }
}

function throughNormalised({ xhat, inverse, axes, centred }: Normalised, h: Tensor): Tensor {
  const part = Sub(h, Mul(xhat, ReduceMean(Mul(h, xhat), axes)))
  return Mul(inverse, centred ? Sub(part, ReduceMean(h, axes)) : part)
}

const rankOf = (c: GradientContext): number => c.axis(-1) + 1
const from = (start: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i)
const epsilonOf = (c: GradientContext): number => c.float('epsilon', 1e-5)

/** `make`, called when it is first needed. */
function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** The statistics are those of the last axes; scale and bias broadcast to the input. */
const overLastAxes =
  (centred: boolean): GradientRule =>
  (c) => {
    const [x, scale, gradient] = [c.input(0), c.input(1), firstGradient(c)]
    const axes = from(c.axis(c.int('axis', -1)), rankOf(c))
    const normalised = lazy((): Normalised => {
      const [mean, inverse] = [c.node.outputs[1], c.node.outputs[2]]
      // The statistics that the operator computed, unless it did so in another precision.
      if (mean?.dtype !== x.dtype || inverse?.dtype !== x.dtype)
        return normalise(x, axes, epsilonOf(c), centred)
      return { xhat: Mul(Sub(x, mean), inverse), inverse, axes, centred }
    })
    return [
      () => throughNormalised(normalised(), Mul(gradient, scale)),
      () => unbroadcast(Mul(gradient, normalised().xhat), scale),
      () => unbroadcast(gradient, c.input(2)),
    ]
  }

/** `[C]` so that it broadcasts over `[N, C, ...]`. */
function perChannel(c: GradientContext, vector: Tensor): Tensor {
  const axes = from(1, rankOf(c) - 1)
  return axes.length === 0 ? vector : Unsqueeze(vector, axes)
}

/** Sum over all axes but that of the channels. */
function channelSum(c: GradientContext, x: Tensor): Tensor {
  return ReduceSum(x, [0, ...from(2, rankOf(c))], { keepdims: 0 })
}

const instance: GradientRule = (c) => {
  const normalised = lazy(() => normalise(c.input(0), from(2, rankOf(c)), epsilonOf(c)))
  return [
    () => throughNormalised(normalised(), Mul(c.gradient, perChannel(c, c.input(1)))),
    () => channelSum(c, Mul(c.gradient, normalised().xhat)),
    () => channelSum(c, c.gradient),
  ]
}

/** Each group is normalised as one row. */
const group: GradientRule = (c) => {
  const x = c.input(0)
  const groups = c.int('num_groups', 1)
  if (x.scope.graph.opset < 21) c.unsupported('its scale is by group before opset 21; use opset 21')
  const rows = (tensor: Tensor) => Reshape(tensor, [0, groups, -1])
  const back = (tensor: Tensor) => Reshape(tensor, lengths(x))
  const normalised = lazy(() => normalise(rows(x), [2], epsilonOf(c)))
  return [
    () => back(throughNormalised(normalised(), rows(Mul(c.gradient, perChannel(c, c.input(1)))))),
    () => channelSum(c, Mul(c.gradient, back(normalised().xhat))),
    () => channelSum(c, c.gradient),
  ]
}

/** The statistics are given, so that the operator is linear in everything but the variance. */
const batch: GradientRule = (c) => {
  if (c.int('training_mode', 0) === 1)
    c.unsupported('training_mode is 1; use GroupNormalization or operators')
  const [x, scale, mean, variance] = [c.input(0), c.input(1), c.input(3), c.input(4)]
  const inverse = lazy(() => inverseRoot(variance, epsilonOf(c)))
  const factor = lazy(() => Mul(scale, inverse()))
  // The sum over a channel of gradient times xhat.
  const along = lazy(() => Mul(channelSum(c, Mul(c.gradient, Sub(x, perChannel(c, mean)))), inverse()))
  return [
    () => Mul(c.gradient, perChannel(c, factor())),
    along,
    () => channelSum(c, c.gradient),
    () => Neg(Mul(channelSum(c, c.gradient), factor())),
    () => Mul(Mul(along(), Mul(factor(), inverse())), -0.5),
  ]
}

/** The gradient passes where values passed; inference drops nothing. */
const dropout: GradientRule = (c) => {
  if (c.has(2) && numberOf(c.input(2)) !== 0)
    c.unsupported('training_mode must be the constant false; multiply with a mask of your own')
  return [() => firstGradient(c), undefined, undefined]
}

function firstGradient(c: GradientContext): Tensor {
  if (c.gradients.slice(1).some((gradient) => gradient !== undefined))
    c.unsupported('only its first output can be differentiated')
  return c.gradient
}

export const normalization: Record<string, GradientRule> = {
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  LayerNormalization: overLastAxes(true),
  RMSNormalization: overLastAxes(false),
  InstanceNormalization: instance,
  GroupNormalization: group,
  BatchNormalization: batch,
  Dropout: dropout,
}
