/** One row of the table of settings: what a value is, and what is said about it. `T` is its type in `TrainConfig`. */

export interface Setting<T = unknown> extends SettingOptions {
  kind: 'integer' | 'number' | 'bytes' | 'text' | 'prompt' | 'choice' | 'list' | 'switch'
  /** `null` stands for what `otherwise` says. */
  default: T
  /** With the unit, without the default. */
  help: string
  choices?: readonly string[]
}

interface SettingOptions {
  /** Of the released code. @default EVOLMM_ and the name, in upper case */
  env?: string
  /** Bounds of a number, those named `above` and `below` excluded. */
  min?: number
  max?: number
  above?: number
  below?: number
  /** What the value is called in the help. @default by kind */
  value?: string
  /** What happens while the value is `null`. */
  otherwise?: string
  /** A second name, with its environment variable. */
  alias?: { name: string; env: string }
  /** Further ways to write a choice. */
  also?: Readonly<Partial<Record<string, string>>>
  /** What a text must do besides not being empty. */
  must?: { rule: string; holds: (text: string) => boolean }
  /** Values from the environment that mean something else and are passed over. */
  ignoreEnv?: RegExp
}

type OrNull<T, D> = T | Extract<D, null>
type Numeric = <D extends number | null>(
  value: D,
  help: string,
  options?: SettingOptions,
) => Setting<OrNull<number, D>>
type Textual = <D extends string | null>(
  value: D,
  help: string,
  options?: SettingOptions,
) => Setting<OrNull<string, D>>

const row =
  (kind: Setting['kind']) =>
  <T>(value: T, help: string, options: SettingOptions = {}): Setting<T> => ({
    kind,
    default: value,
    help,
    ...options,
  })

export const integer = row('integer') as Numeric
export const number = row('number') as Numeric
/** With or without a unit: 256MB, 1GiB. */
export const bytes = row('bytes') as Numeric
export const text = row('text') as Textual
/** A text, or `@FILE` for what is in a file. */
export const prompt = row('prompt') as Textual
/** Between commas on a command line. */
export const list = row('list') as <D extends readonly string[] | null>(
  value: D,
  help: string,
  options?: SettingOptions,
) => Setting<OrNull<readonly string[], D>>
export const toggle = row('switch') as (
  value: boolean,
  help: string,
  options?: SettingOptions,
) => Setting<boolean>

/** The first one is the default. */
export function choice<const C extends readonly [string, ...string[]]>(
  choices: C,
  help: string,
  options: SettingOptions & { default?: C[number] } = {},
): Setting<C[number]> {
  return { kind: 'choice', choices, help, ...options, default: options.default ?? choices[0] }
}

/** Where the value of a setting came from. */
export type ConfigSource = 'flag' | 'environment' | 'file' | 'default'
