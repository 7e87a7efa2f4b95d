/** A method's settings as data, in groups, with what must hold across them. */
import { EvolmmError } from './errors'
import type { Row, Rows } from './row'

export interface Schema<R extends Rows = Rows> extends Across<R> {
  /** What messages call whatever has these settings: "a run". */
  readonly name: string
  readonly groups: readonly { title: string; names: readonly Name<R>[] }[]
  readonly rows: R
  /** Names and second names, with the setting that each means. */
  readonly names: ReadonlyMap<string, Name<R>>
}

/** What is said across settings. Everything is in the order in which it is checked or told. */
interface Across<R extends Rows> {
  /** Settings that count only beside others: given without them, they are refused. */
  readonly needs: readonly Need<R>[]
  /** Settings that exclude each other. */
  readonly rules: readonly Rule<R>[]
  /** What settings mean that their author may not expect, in a sentence each. */
  notes(settings: Settings<R>, origin: Origin<R>): readonly (string | false)[]
  /** Names of other libraries that no setting stands for, and why. */
  readonly absent: Readonly<Record<string, string>>
}

export interface Need<R extends Rows = Rows> {
  settings: readonly Name<R>[]
  /** What has to be there, in words; `the` gives the name of a setting as its reader would write it. */
  needed(the: Naming<R>): string
  holds(settings: Settings<R>): boolean
}

export interface Rule<R extends Rows = Rows> {
  about: Name<R>
  /** What must hold, what was got and how to mend it, for settings for which it does not hold. */
  wrong(settings: Settings<R>, the: Naming<R>, given: Given<R>): string | false
}

/** The place where a value came from; `code` is a caller of `resolve`. */
export type Source = 'flag' | 'environment' | 'file' | 'code' | 'default'

export interface Origin<R extends Rows = Rows> {
  sources: Readonly<Record<Name<R>, Source>>
  /** The values as they were given, of those that were. */
  given: Given<R>
}

export type Name<R extends Rows> = keyof R & string
export type Naming<R extends Rows = Rows> = (setting: Name<R>) => string

declare const resolved: unique symbol

/** Every setting of a schema with a value, whoever says so. */
export type Values<R extends Rows = Rows> = {
  readonly [K in keyof R]: NonNullable<R[K]['types']>['value']
}

/** Every setting of a schema with its value, as `resolve` returns them; a plain object is none. */
export type Settings<R extends Rows = Rows> = Values<R> & { readonly [resolved]: true }

/** Values that a caller may give by name; what is left out has its default. */
export type Given<R extends Rows = Rows> = {
  readonly [K in keyof R]?: NonNullable<R[K]['types']>['given'] | undefined
}

export type SettingsOf<S> = S extends Schema<infer R> ? Settings<R> : never
export type ValuesOf<S> = S extends Schema<infer R> ? Values<R> : never
export type GivenOf<S> = S extends Schema<infer R> ? Given<R> : never

type Groups = Readonly<Record<string, Rows>>
/** The rows of all groups together. */
export type RowsOf<G extends Groups> = Flat<Intersection<G[keyof G]>>
type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never
type Flat<T> = T extends Rows ? { readonly [K in keyof T]: T[K] } : never

/** `groups` holds the rows by the title of their group, in the order of the help. */
export function schema<const G extends Groups>({
  name,
  groups,
  needs = [],
  rules = [],
  notes = () => [],
  absent = {},
}: { name: string; groups: G } & Partial<Across<RowsOf<G>>>): Schema<RowsOf<G>> {
  type R = RowsOf<G>
  const rows: Record<string, Row> = {}
  const names = new Map<string, Name<R>>()
  for (const [setting, row] of Object.values(groups).flatMap((group) => Object.entries(group))) {
    rows[setting] = row
    for (const spelling of [setting, ...(row.alias ? [row.alias.name] : [])]) {
      if (names.has(spelling))
        throw new EvolmmError(
          'INVALID_OPTION',
          `schema: must have each name once, got ${spelling} twice; rename one`,
        )
      names.set(spelling, setting)
    }
  }
  return {
    name,
    groups: Object.entries(groups).map(([title, group]) => ({ title, names: Object.keys(group) })),
    rows: rows as R,
    names,
    needs,
    rules,
    notes,
    absent,
  }
}

/** The setting that somebody means: by its name, its second name, or the option of a function below. */
export function settingNamed<R extends Rows>(schema: Schema<R>, word: string): Name<R> | undefined {
  return (
    schema.names.get(word) ?? Object.keys(schema.rows).find((setting) => schema.rows[setting].option === word)
  )
}

/** The variables that set a setting: its own, and that of its second name. */
export function environmentNames<R extends Rows>(
  schema: Schema<R>,
  setting: Name<R>,
): readonly [string, ...string[]] {
  const { env = `EVOLMM_${setting.toUpperCase()}`, alias } = schema.rows[setting]
  return alias?.env === undefined ? [env] : [env, alias.env]
}
