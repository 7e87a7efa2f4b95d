/** One setting as data: what its value may be, and what is said about it. */

export interface Row<T = unknown, G = T> extends RowOptions {
  kind: Kind
  /** `null` stands for what `otherwise` says, or for the value of the setting that it `follows`. */
  default: T | null
  /** A phrase that stands alone, without the default. */
  help: string
  choices?: readonly string[]
  /** These exist for the compiler alone: the type of a resolved value, and of one that may be given. */
  types?: { value: T; given: G }
}

type Kind =
  'integer' | 'number' | 'amount' | 'bytes' | 'text' | 'prompt' | 'choice' | 'list' | 'several' | 'switch'

export type Rows = Readonly<Record<string, Row>>

export interface RowOptions {
  /**
   * True if what comes of a run depends on the setting, so that a run that goes on must have the same; where that
   * depends on other settings, a function of them.
   */
  identity: boolean | ((settings: Readonly<Record<string, unknown>>) => boolean)
  /** The environment variable that gives the setting. @default EVOLMM_ and the name, in upper case */
  env?: string
  /** Bounds of a number, those named `above` and `below` excluded. */
  min?: number
  max?: number
  above?: number
  below?: number
  /** A smaller number counts as this one. */
  least?: number
  /** What a number counts, such as nats. The help shows it as the value. */
  unit?: string
  /** What the help calls the value of a setting without a unit. @default by kind */
  value?: string
  /** What the default `null` means, in words. */
  otherwise?: string
  /** The setting whose value this one has when nobody gives it. */
  follows?: string
  /** True for what has no default and must be given; where that depends on other settings, a function of them. */
  required?: boolean | ((settings: Readonly<Record<string, unknown>>) => boolean)
  /** A second name, with its environment variable if it has one. */
  alias?: { name: string; env?: string }
  /** The name of the option of a function below, by which its errors call the setting. */
  option?: string
  /** What other libraries call the same; whoever uses such a name is told ours. */
  elsewhere?: readonly string[]
  /** Further ways to write values: "cuda:0" for cuda. */
  also?: Readonly<Partial<Record<string, string>>>
  /** The choice that may have a number behind a colon, such as cuda for cuda:1. */
  numbered?: string
  /** True where a text may hold several values between commas, of which the first counts. */
  firstOfSeveral?: boolean
  /** True where any text is a value as it is: an empty one, "none", one that begins with @. */
  verbatim?: boolean
  /** What a text must do besides not being empty. */
  must?: { rule: string; holds: (text: string) => boolean; remedy?: string }
  /** Values from the environment that mean something else and are passed over. */
  ignoreEnv?: RegExp
  /** A function may stand in place of a value. */
  custom?: Custom<AnyFunction>
}

export type AnyFunction = (...values: never[]) => unknown

export interface Custom<F extends AnyFunction> {
  /** What the function takes and returns, for people: (answers) => rewards. */
  signature: string
  type?: F
}

/** A maker for the option `custom`: `custom<(question: string) => string>('(question) => prompt')`. */
export function custom<F extends AnyFunction>(signature: string): Custom<F> {
  return { signature }
}

type OrNull<T, D> = T | Extract<D, null>

interface Maker<T, G = T> {
  (value: null, help: string, options: RowOptions & { follows: string }): Row<T, G | null>
  (value: null, help: string, options: RowOptions & { required: true }): Row<T, G>
  <D extends T | null>(value: D, help: string, options: RowOptions): Row<OrNull<T, D>, OrNull<G, D>>
}

interface CustomMaker extends Maker<string> {
  <D extends string | null, F extends AnyFunction>(
    value: D,
    help: string,
    options: RowOptions & { custom: Custom<F> },
  ): Row<OrNull<string, D> | F>
}

const maker =
  (kind: Row['kind']) =>
  (value: unknown, help: string, options: RowOptions): Row => ({ kind, default: value, help, ...options })

export const integer = maker('integer') as Maker<number>
export const number = maker('number') as Maker<number>
/** A count, or below 1 a share. */
export const amount = maker('amount') as Maker<number>
/** A text may have a unit: 256MB, 1GiB. */
export const bytes = maker('bytes') as Maker<number, number | string>
export const text = maker('text') as Maker<string>
/** A text, or `@FILE` for what is in a file. */
export const prompt = maker('prompt') as CustomMaker
/** A command line has commas between the names. */
export const list = maker('list') as Maker<readonly string[]>
/** A command line has the values behind the flag, or the flag again. */
export const several = maker('several') as Maker<readonly string[]>
export const toggle = maker('switch') as Maker<boolean>

/** The first choice is the default, unless another is named or `null`. */
export function choice<
  const C extends readonly string[],
  const O extends RowOptions & { default?: NoInfer<C[number]> | null },
>(choices: C, help: string, options: O): Row<C[number] | ChoiceBesides<O>> {
  const first: C[number] = choices[0]
  return {
    kind: 'choice',
    choices,
    help,
    ...options,
    default: options.default === undefined ? first : options.default,
  }
}

type ChoiceBesides<O> =
  | (O extends { numbered: infer N extends string } ? `${N}:${number}` : never)
  | (O extends { default: null } ? null : never)
  | (O extends { custom: Custom<infer F> } ? F : never)
