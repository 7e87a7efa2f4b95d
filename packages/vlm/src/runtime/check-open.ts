import { EvolmmError } from '../errors'

/** Throws `MODEL_DISPOSED` for a model that is closed. */
export function checkOpen(closed: boolean): void {
  if (closed)
    throw new EvolmmError(
      'MODEL_DISPOSED',
      'model: must not be used after dispose(), got a call; load it again',
    )
}
