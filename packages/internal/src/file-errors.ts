/** What the system says of a file, as the one typed error. */
import { EvolmmError, type FileErrorCode } from './errors'

/** The handler for `catch` that rethrows typed errors as they are, and the system's as `UNREADABLE_FILE`. */
export function unreadable(file: string): (cause: unknown) => never {
  return (cause) => {
    throw wrap('UNREADABLE_FILE', `${file}: must be readable`, file, cause)
  }
}

/** The handler for `catch` that rethrows typed errors as they are, and the system's as `UNWRITABLE_FILE`. */
export function unwritable(file: string): (cause: unknown) => never {
  return (cause) => {
    throw wrap('UNWRITABLE_FILE', `${file}: must be writable`, file, cause)
  }
}

function wrap(code: FileErrorCode, rule: string, file: string, cause: unknown): unknown {
  if (cause instanceof EvolmmError || !isSystemError(cause)) return cause
  return new EvolmmError(code, `${rule}, got ${cause.message}; check the path, its rights and the disk`, {
    details: { file },
    cause,
  })
}

function isSystemError(cause: unknown): cause is Error {
  return cause instanceof Error && 'syscall' in cause
}
