/** A point that gradients do not pass. */
import type { Tensor } from '../graph/graph'
import { Identity } from '../ops/elementwise'

const stopped = new WeakSet<Tensor>()

/** `x` as a constant for `grad`. */
export function stopGradient(x: Tensor): Tensor {
  const result = Identity(x)
  stop(result)
  return result
}

/** Let no gradient pass `tensor`. */
export function stop(tensor: Tensor): void {
  stopped.add(tensor)
}

export function isStopped(tensor: Tensor): boolean {
  return stopped.has(tensor)
}
