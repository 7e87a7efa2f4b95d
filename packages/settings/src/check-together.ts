/** What must hold across settings: those that count only beside others, and those that exclude each other. */
import { EvolmmError } from './errors'
import type { Rows } from './row'
import type { Given, Name, Naming, Schema, Settings, Values } from './schema'

export function checkTogether<R extends Rows>(
  schema: Schema<R>,
  settings: Settings<R>,
  { given, the }: { given: Given<R>; the: Naming<R> },
): void {
  for (const need of schema.needs)
    for (const setting of need.settings)
      if (!isDefault(schema, settings, setting) && !need.holds(settings))
        throw refused(
          setting,
          `must go with ${need.needed(the)}, got ${JSON.stringify(settings[setting])} without; add that or leave this out`,
        )
  for (const rule of schema.rules) {
    const why = rule.wrong(settings, the, given)
    if (why !== false) throw refused(rule.about, why)
  }

  function refused(setting: Name<R>, why: string): EvolmmError {
    return new EvolmmError('INVALID_OPTION', `${setting}: ${why}`, {
      details: { option: setting, value: settings[setting] },
    })
  }
}

/** True if a setting has the value that it has when nobody gives it. */
export function isDefault<R extends Rows>(schema: Schema<R>, settings: Values<R>, setting: Name<R>): boolean {
  const { default: otherwise, follows } = schema.rows[setting]
  return sameValue(settings[setting], follows === undefined ? otherwise : settings[follows])
}

export function sameValue(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || typeof other === 'function') return one === other
  return JSON.stringify(one) === JSON.stringify(other)
}
