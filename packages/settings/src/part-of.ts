import type { Rows } from './row'
import type { Schema, Values } from './schema'

/** Of the settings of a larger schema those that this one has: what a front end hands to the function that reads them. */
export function partOf<R extends Rows>({ rows }: Schema<R>, values: Values<R>): Values<R> {
  const part = (Object.keys(rows) as (keyof R)[]).map((setting) => [setting, values[setting]])
  return Object.fromEntries(part) as Values<R>
}
