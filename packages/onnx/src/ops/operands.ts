/** These functions turn what callers may pass into what nodes take. */
import { EvolmmError } from '../errors'
import { isTensor, kindOf, type Graph, type Tensor } from '../graph/graph'
import { emit, graphOf, type EmitOptions, type Operand } from './emit'

/** Integers for axes, shapes and indices: a list, or a tensor that is known only at run time. */
export type Integers = readonly number[] | Tensor

/** A node with one output. Numbers become scalars with the type of the first tensor among the operands. */
export function op(
  opType: string,
  operands: readonly (Operand | undefined)[],
  options?: EmitOptions,
): Tensor {
  const graph = graphOf(opType, operands)
  const partner = operands.find(isTensor)
  const inputs = operands.map((operand) =>
    typeof operand === 'number' ? graph.constant(partner?.dtype ?? 'float32', [], [operand]) : operand,
  )
  return emit(graph, opType, inputs, options)[0]
}

/** A list as an int64 vector. */
export function integers(graph: Graph, values: Integers): Tensor
export function integers(graph: Graph, values: Integers | undefined): Tensor | undefined
export function integers(graph: Graph, values: Integers | undefined): Tensor | undefined {
  if (values === undefined || isTensor(values)) return values
  if (!Array.isArray(values))
    throw new EvolmmError(
      'INVALID_SHAPE',
      `operators: axes, shapes and indices must be lists of integers or tensors, got ${kindOf(values)}; write [...]`,
    )
  return graph.constant('int64', [values.length], values)
}

/** One integer as an int64 scalar. */
export function scalar(graph: Graph, value: number | Tensor): Tensor {
  return isTensor(value) ? value : graph.constant('int64', [], [value])
}

/** Lengths of all axes of `x`: a list where they are known, else a tensor. */
export function lengths(x: Tensor): Integers {
  return x.shape?.every((dim) => typeof dim === 'number') === true ? x.shape : op('Shape', [x])
}
