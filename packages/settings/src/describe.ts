/** The settings for help and documentation, in groups. */
import { formatValue } from './format-settings'
import type { Row, Rows } from './row'
import { environmentNames, type Name, type Schema } from './schema'

export interface SettingDescription<N extends string = string> {
  group: string
  name: N
  /** A second name, which says the same. */
  alias: string | undefined
  /** Environment variables that set it. */
  environment: readonly string[]
  /** What its value is called; `undefined` for a switch. */
  value: string | undefined
  /** What its value may be, for one of a list. */
  choices: readonly string[] | undefined
  /** What names a function in its place, with what that takes and returns. */
  custom: string | undefined
  help: string
  /** What it is when nobody sets it, in words; `undefined` for what must be given. */
  defaultText: string | undefined
}

function defaultText(row: Row): string {
  return Array.isArray(row.default) ? row.default.join(', ') : formatValue(row, row.default)
}

const kinds: Readonly<Record<Row['kind'], string | undefined>> = {
  integer: 'n',
  number: 'x',
  amount: 'n',
  bytes: 'bytes',
  text: 'text',
  prompt: 'text',
  choice: 'name',
  list: 'names',
  several: 'texts...',
  switch: undefined,
}

export function describe<R extends Rows>(schema: Schema<R>): SettingDescription<Name<R>>[] {
  return schema.groups.flatMap(({ title, names }) =>
    names.map((name) => {
      const row = schema.rows[name]
      const { alias, choices, custom, numbered } = row
      return {
        group: title,
        name,
        alias: alias?.name,
        environment: environmentNames(schema, name),
        value: row.value ?? row.unit ?? kinds[row.kind],
        choices: choices && numbered !== undefined ? [...choices, `${numbered}:N`] : choices,
        custom: custom && `./file.mjs#name, ${custom.signature}`,
        help: row.help,
        defaultText: row.required === true ? undefined : defaultText(row),
      }
    }),
  )
}
