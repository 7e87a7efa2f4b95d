/**
 * The one error class of all evolmm packages.
 *
 * Each package carries its own inlined copy, in ESM and in CJS, so identity cannot be a matter of the prototype:
 * `instanceof` asks for a brand in the global symbol registry and works across copies.
 */
const brand = Symbol.for('evolmm.error')

export class EvolmmError extends Error {
  override readonly name = 'EvolmmError'
  /** What went wrong, for programs: upper case with underscores, stable between versions. */
  readonly code: string
  /** The values that the message speaks of, as plain data. */
  readonly details: Readonly<Record<string, unknown>>

  /** `message` reads "Subject: what must hold, got value; how to fix". */
  constructor(
    code: string,
    message: string,
    options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}
