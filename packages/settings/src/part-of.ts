import type { Rows } from './row'
import type { Schema, Values } from './schema'

/** A front end has the settings of a larger schema; this gives those that the function of a smaller one reads. */
export function partOf<R extends Rows>({ rows }: Schema<R>, values: Values<R>): Values<R> {
  const part = (Object.keys(rows) as (keyof R)[]).map((setting) => [setting, values[setting]])
  return Object.fromEntries(part) as Values<R>
}
