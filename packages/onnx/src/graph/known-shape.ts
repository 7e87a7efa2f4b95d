/** What a caller knows of a shape beyond what inference finds. */
import { EvolmmError } from '../errors'
import type { Tensor } from './graph'
import { showShape, type Dim, type Shape } from './shape'

/**
 * `tensor`, which has `shape`, as the caller can prove. The runtime keeps results of equal shapes in one buffer, and stops
 * where a name was not true. Lengths that inference found as numbers must be the same ones.
 */
export function knownShape(tensor: Tensor, shape: Shape | undefined): Tensor {
  if (shape === undefined) return tensor
  const found = tensor.shape ?? shape
  const agrees = (dim: Dim, axis: number) =>
    typeof found[axis] !== 'number' || typeof dim !== 'number' || dim === found[axis]
  if (found.length !== shape.length || !shape.every(agrees))
    throw new EvolmmError(
      'INTERNAL',
      `internal: "${tensor.name}" has shape ${showShape(found)}, and is said to have ${showShape(shape)}`,
    )
  const settled = shape.map((dim, axis) => (typeof found[axis] === 'number' ? found[axis] : dim))
  return Object.assign(tensor, { shape: settled })
}
