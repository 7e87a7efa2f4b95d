/** For `catch`: what the system says of a path that was to be written, as the one typed error. */
import { EvolmmError } from '@evolmm/internal'

export function unwritable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof EvolmmError) throw cause
    throw new EvolmmError(
      'UNWRITABLE_FILE',
      `${path}: must be writable, got ${cause instanceof Error ? cause.message : String(cause)}; check the path, its rights and the disk`,
      { details: { path }, cause },
    )
  }
}
