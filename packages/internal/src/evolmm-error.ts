/**
 * The one error class of all evolmm packages.
 *
 * Each package carries its own inlined copy, in ESM and in CJS, so identity cannot be a matter of the prototype:
 * `instanceof` asks for a brand in the global symbol registry and works across copies.
 */
const brand = Symbol.for('evolmm.error')

/** The longest message that is kept whole, and how much of a longer one: who it speaks of and its rule, and what to do. */
const longest = 1500
const kept = { start: 1000, end: 400 }

export interface EvolmmErrorOptions {
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

export class EvolmmError<Code extends string = string> extends Error {
  override readonly name = 'EvolmmError'
  /** The code says what went wrong, for programs: upper case with underscores, stable between versions. */
  readonly code: Code
  /** The details are the values that the message speaks of, as plain data. */
  readonly details: Readonly<Record<string, unknown>>

  /** `message` reads "Subject: what must hold, got value; how to fix". The middle of an endless one is left out. */
  constructor(code: Code, message: string, options: EvolmmErrorOptions = {}) {
    super(readable(message), 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): value is EvolmmError {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** What a damaged file holds in the place of a name or a number may be a megabyte. */
function readable(message: string): string {
  if (message.length <= longest) return message
  const left = message.length - kept.start - kept.end
  return `${message.slice(0, kept.start)} [… ${left} characters …] ${message.slice(-kept.end)}`
}

/** The class as a package sees it whose errors have these codes: it throws no other, and `instanceof` tells them. */
export interface EvolmmErrorWith<Code extends string> {
  new (code: Code, message: string, options?: EvolmmErrorOptions): EvolmmError<Code>
  [Symbol.hasInstance](value: unknown): value is EvolmmError<Code>
}

export function errorWith<Code extends string>(): EvolmmErrorWith<Code> {
  // The codes are a promise of the package, which no check at run time makes: its errors have the brand alone.
  return EvolmmError as unknown as EvolmmErrorWith<Code>
}
