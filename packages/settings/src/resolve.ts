/** Settings with their defaults, checked once: whoever gets them need not ask again. */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { checkTogether } from './check-together'
import { readJson } from './read-value'
import type { Row, Rows } from './row'
import type { Given, Name, Naming, Schema, Settings } from './schema'
import { unknownName } from './unknown-name'

/** Packages may be loaded twice, as ESM and as CJS: a key of the global registry is the same in both. */
const mark = Symbol.for('evolmm.settings')

export interface ResolveOptions<R extends Rows = Rows> {
  /** The function writes the name of another setting that would mend what a message is about. @default the name */
  write?: Naming<R>
  /** What to do where a setting must be given and is not. @default 'give it' */
  remedy?: string | undefined
}

/**
 * Total and frozen settings. The first thing that is wrong is an `INVALID_OPTION` whose `details.option` is the setting,
 * with which its message begins.
 */
export function resolve<R extends Rows>(
  schema: Schema<R>,
  given: Given<R>,
  options: ResolveOptions<R> = {},
): Settings<R> {
  checkNames('resolve', options, { write: true, remedy: true })
  const { write = (setting: Name<R>) => setting, remedy = 'give it' } = options
  if (isResolved(schema, given)) return given
  const values = new Map<string, unknown>()
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    const setting = schema.names.get(key)
    if (setting === undefined) throw unknownName(schema, key)
    values.set(setting, raised(schema.rows[setting], readJson(setting, schema.rows[setting], value)))
  }
  const settings = totalOf(schema, values) as Settings<R>
  for (const [setting, { required = false }] of Object.entries(schema.rows))
    if (settings[setting] === null && (typeof required === 'function' ? required(settings) : required))
      throw new EvolmmError('INVALID_OPTION', `${setting}: must be given, got nothing; ${remedy}`, {
        details: { option: setting },
      })
  checkTogether(schema, settings, { given, the: write })
  Object.defineProperty(settings, mark, { value: schema.name })
  Object.freeze(settings)
  return settings
}

/** A function that takes settings calls this: it refuses what `resolve` has not made of this schema. */
export function checkResolved<R extends Rows>(
  schema: Schema<R>,
  settings: unknown,
): asserts settings is Settings<R> {
  if (isResolved(schema, settings)) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `settings: must be those of ${schema.name} as resolve returns them, got other ones; resolve them first`,
    { details: { option: 'settings' } },
  )
}

function isResolved<R extends Rows>(schema: Schema<R>, settings: unknown): settings is Settings<R> {
  return typeof settings === 'object' && settings !== null && Reflect.get(settings, mark) === schema.name
}

/** Every setting in the order of the schema: given, followed, or by default. */
export function totalOf<R extends Rows>(
  { rows }: Schema<R>,
  given: ReadonlyMap<string, unknown>,
): Record<string, unknown> {
  const valueOf = (setting: string): unknown => {
    const { default: otherwise, follows } = rows[setting]
    const value = given.get(setting)
    if (follows !== undefined && (value ?? null) === null) return valueOf(follows)
    return value === undefined ? otherwise : value
  }
  return Object.fromEntries(Object.keys(rows).map((setting) => [setting, frozen(valueOf(setting))]))
}

function raised({ least = -Infinity }: Row, value: unknown): unknown {
  return typeof value === 'number' ? Math.max(least, value) : value
}

function frozen(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze([...(value as unknown[])]) : value
}
