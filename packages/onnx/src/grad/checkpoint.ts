/** Trading time for memory: keep a stretch's inputs instead of its results, and run it again in the backward pass. */
import { EvolmmError } from '@evolmm/internal'
import type { Region, Tensor } from '../graph/graph'
import { Cast } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { Concat, Reshape, Shape } from '../ops/shaping'

/**
 * `run(...inputs)`, differentiated without its intermediate results: `grad` calls `run` once more. It must make the
 * same nodes each time. Tensors from outside that it captures get gradients too.
 */
export function checkpoint(run: (...inputs: Tensor[]) => Tensor[], inputs: readonly Tensor[]): Tensor[] {
  const graph = inputs.at(0)?.scope.graph
  if (graph === undefined) {
    throw new EvolmmError(
      'NO_TENSOR',
      'checkpoint: must have an input tensor, got none; pass what the function works on',
    )
  }
  const region: Region = { run, inputs, outputs: [], parent: graph.currentRegion }
  graph.currentRegion = region
  try {
    region.outputs = run(...inputs)
  } finally {
    graph.currentRegion = region.parent
  }
  return [...region.outputs]
}

/**
 * `x`, but not before `gate` is there. Without this the runtime would merge the recomputation with the original
 * (common subexpressions) or run it too early, and nothing would be saved. An empty slice of `gate` is appended to `x`.
 */
export function tie(x: Tensor, gate: Tensor): Tensor {
  if (x.shape === undefined || x.shape.length === 0) return x
  const { graph } = x.scope
  const empty = Slice(Reshape(gate, [-1]), [0], [0])
  const typed = empty.dtype === x.dtype ? empty : Cast(empty, { to: x.dtype })
  const rest = x.shape.slice(1)
  const shape = rest.every((dim) => typeof dim === 'number')
    ? [0, ...rest]
    : Concat([graph.constant('int64', [1], [0]), Shape(x, { start: 1 })], { axis: 0 })
  const result = Concat([x, Reshape(typed, shape, { allowzero: 1 })], { axis: 0 })
  return result
}
