/** Settings as JSON: all of them for the record of a run, and those that a run which goes on must have again. */
import { isDefault } from './check-together'
import { functionIdentity, functionName } from './custom-function'
import { totalOf } from './resolve'
import type { AnyFunction, Rows } from './row'
import type { Schema, Settings } from './schema'

/** Given again, they resolve to the same. What follows another setting is `null`. */
export function settingsData<R extends Rows>(
  schema: Schema<R>,
  settings: Settings<R>,
  nameOf: (value: AnyFunction) => string = functionName,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema.rows).map(([setting, { follows }]) => {
      const value: unknown = settings[setting]
      if (typeof value === 'function') return [setting, nameOf(value as AnyFunction)]
      return [setting, follows !== undefined && isDefault(schema, settings, setting) ? null : value]
    }),
  )
}

/** The settings that what comes of a run depends on, in the order of the schema. */
export function identityOf<R extends Rows>(
  schema: Schema<R>,
  settings: Settings<R>,
): Record<string, unknown> {
  const data = settingsData(schema, settings, functionIdentity)
  return Object.fromEntries(
    Object.entries(data).filter(([setting]) => {
      const { identity } = schema.rows[setting]
      return typeof identity === 'function' ? identity(settings) : identity
    }),
  )
}

/**
 * A stored identity as it would be stored today: what it does not name is as by default, and what follows another
 * setting is as that one. Names that no setting has any more stay, since nobody knows what they meant.
 */
export function storedIdentity<R extends Rows>(
  schema: Schema<R>,
  stored: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const total = totalOf(schema, new Map(Object.entries(stored))) as Settings<R>
  const unknown = Object.entries(stored).filter(([name]) => !Object.hasOwn(schema.rows, name))
  return { ...identityOf(schema, total), ...Object.fromEntries(unknown) }
}
