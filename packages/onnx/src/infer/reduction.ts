/** Types and shapes that reductions over axes give. */
import { integersOf } from '../graph/tensor-data'
import type { Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'

/** Axes of a reduction: from input 1 since opset 18 (13 for ReduceSum), from the attribute before; `undefined`: only known at run time. */
function reducedAxes(context: InferenceContext): number[] | undefined {
  const given = context.optional(1) === undefined ? undefined : context.integers(1)
  const axes = given === undefined ? context.ints('axes') : integersOf(given.data)
  if (given !== undefined && axes === undefined) return undefined
  const rank = context.input(0).shape?.length
  if (rank === undefined) return undefined
  if (axes === undefined || axes.length === 0) {
    return context.int('noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis)
  }
  return axes.map((axis) => context.axis(axis, rank))
}

const reduce: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  const axes = reducedAxes(context)
  const keep = context.int('keepdims', 1) === 1
  // Over all axes, whatever they are, nothing is left.
  const all = context.optional(1) === undefined && context.ints('axes') === undefined
  if (shape === undefined)
    return [{ dtype, shape: all && !keep && context.int('noop_with_empty_axes', 0) === 0 ? [] : undefined }]
  if (axes === undefined) return [{ dtype, shape: keep ? shape.map(() => context.unknown()) : undefined }]
  return [{ dtype, shape: removed(shape, axes, keep) }]
}

const argument: InferenceRule = (context) => {
  const { shape } = context.input(0)
  const axis = shape && context.axis(context.int('axis', 0), shape.length)
  const keep = context.int('keepdims', 1) === 1
  return [{ dtype: 'int64', shape: axis === undefined ? undefined : removed(shape ?? [], [axis], keep) }]
}

function removed(shape: Shape, axes: readonly number[], keep: boolean): Shape {
  return keep
    ? shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : shape.filter((_, axis) => !axes.includes(axis))
}

export const reduction: Record<string, InferenceRule> = {
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ReduceSumSquare: reduce,
  ArgMax: argument,
  ArgMin: argument,
  CumSum: (context) => {
    const { dtype, shape } = context.input(0)
    const axis = integersOf(context.integers(1, ['int64', 'int32']).data)?.at(0)
    if (shape !== undefined && axis !== undefined) context.axis(axis, shape.length)
    return [{ dtype, shape }]
  },
}
