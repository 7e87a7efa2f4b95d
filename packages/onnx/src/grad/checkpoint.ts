/** Trading time for memory: keep a stretch's inputs instead of its results, and run it again in the backward pass. */
import { checkFunction, graphOf, tensorsFrom } from '../ops/emit'
import type { Region, Tensor } from '../graph/graph'
import { Cast, Identity } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { Concat, Reshape, Shape } from '../ops/shaping'

/**
 * `run(...inputs)`, differentiated without its intermediate results: `grad` calls `run` once more. It must make the
 * same nodes each time. Tensors from outside that it captures get gradients too.
 */
export function checkpoint(run: (...inputs: Tensor[]) => Tensor[], inputs: readonly Tensor[]): Tensor[] {
  const graph = graphOf('checkpoint', inputs)
  checkFunction('checkpoint: the first argument', run)
  const region: Region = { run, inputs, outputs: [], parent: graph.currentRegion }
  graph.currentRegion = region
  try {
    region.outputs = runRegion(region, inputs)
  } finally {
    graph.currentRegion = region.parent
  }
  return [...region.outputs]
}

/**
 * The outputs of a region's function on `inputs`, each a tensor of its own: what it passes through, captures or returns
 * twice becomes an `Identity`, so that each output has a gradient of its own.
 */
export function runRegion(region: Region, inputs: readonly Tensor[]): Tensor[] {
  const scope = inputs[0].scope.graph.current
  const before = scope.nodes.length
  const outputs = tensorsFrom('checkpoint: the function must return', region.run(...inputs))
  const own = new Set(scope.nodes.slice(before).flatMap((node) => node.outputs))
  return outputs.map((output) => (own.delete(output) ? output : Identity(output)))
}

/**
 * `x`, but not before all `gates` are there: an empty slice of each is appended to it. This orders what data alone does
 * not. Recomputation must wait for the gradient it serves, or the runtime would merge it with the original (common
 * subexpressions) or run it too early; and the backward pass must not go on to the block before while gradients of
 * this block's parameters wait, since they hold on to its activations. A tensor of unknown shape, or a scalar, is left.
 */
export function tie(x: Tensor, gates: readonly Tensor[]): Tensor {
  if (x.shape === undefined || x.shape.length === 0) return x
  const { graph } = x.scope
  const rest = x.shape.slice(1)
  const shape = rest.every((dim) => typeof dim === 'number')
    ? [0, ...rest]
    : Concat([graph.constant('int64', [1], [0]), Shape(x, { start: 1 })], { axis: 0 })
  const empty = gates.map((gate) => {
    const slice = Slice(Reshape(gate, [-1]), [0], [0])
    return Reshape(slice.dtype === x.dtype ? slice : Cast(slice, { to: x.dtype }), shape, { allowzero: 1 })
  })
  // Few at a time: a WebGPU shader takes some ten buffers.
  let result = x
  for (let at = 0; at < empty.length; at += 7)
    result = Concat([result, ...empty.slice(at, at + 7)], { axis: 0 })
  return result
}
