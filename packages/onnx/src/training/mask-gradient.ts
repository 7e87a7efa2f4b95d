/** Masks of attention are constants of the graph's author. */
import { EvolmmError } from '../errors'

/** Throws `NOT_DIFFERENTIABLE` if the gradient of a mask is asked for. */
export function checkMaskGradient(isNeeded: boolean): void {
  if (isNeeded)
    throw new EvolmmError(
      'NOT_DIFFERENTIABLE',
      'attention: the mask has no gradient, but it is asked for; add a trained bias to scores of your own',
    )
}
