/**
 * Results that the backward pass makes again instead of holding on to them: cheap to make of what is kept anyway. They are
 * spelled in another way then, since the runtime would merge equal nodes and keep the first result after all.
 */
import type { Tensor } from './graph'

const makers = new WeakMap<Tensor, () => Tensor>()
const made = new WeakMap<Tensor, Tensor>()

/** `x`, whose values gradients take from `again`: the same numbers, rounded in another way. */
export function remade(x: Tensor, again: () => Tensor): Tensor {
  makers.set(x, again)
  return x
}

/** What a gradient reads in the place of `x`, in the current scope. */
export function valuesOf(x: Tensor): Tensor {
  const make = makers.get(x)
  if (make === undefined) return x
  const before = made.get(x)
  if (before !== undefined && x.scope.graph.current.sees(before.scope) && isThere(before)) return before
  const again = make()
  made.set(x, again)
  return again
}

/** True unless the operation that made it has failed and was undone. */
function isThere({ node }: Tensor): boolean {
  return node === undefined || node.scope.nodes.includes(node)
}
