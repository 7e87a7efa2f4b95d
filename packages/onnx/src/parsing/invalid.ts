/** Errors of the parser. Names from a file are cut short: they may be megabytes of anything. */
import { EvolmmError } from '../errors'

/** The model breaks a rule of the format. `message` reads "Subject: what must hold, got value". */
export function invalid(
  message: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): EvolmmError {
  return new EvolmmError('INVALID_MODEL', `${message}; check the program that wrote the file`, {
    details,
    ...(cause !== undefined && { cause }),
  })
}

/** The model is sound, but uses what this package does not handle. */
export function unsupported(message: string, details: Record<string, unknown> = {}): EvolmmError {
  return new EvolmmError('UNSUPPORTED_MODEL', message, { details })
}

/** A name for a message. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}
