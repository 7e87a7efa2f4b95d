/** The settings as tables of Markdown, one for each group, as prettier would write them. */
import { describe } from './describe'
import type { Rows } from './row'
import type { Schema } from './schema'

export function settingsMarkdown<R extends Rows>(schema: Schema<R>, heading = '##'): string {
  const settings = describe(schema)
  const groups = schema.groups.map(({ title }) => {
    const rows = settings
      .filter(({ group }) => group === title)
      .map(({ name, value, environment, defaultText, help, choices, custom }) => [
        value === undefined ? `\`--[no-]${name}\`` : `\`--${name}\``,
        environment.map((variable) => `\`${variable}\``).join(', '),
        defaultText ?? 'to be given',
        [
          choices === undefined ? help : `${help}: ${choices.join(', ')}`,
          ...(custom === undefined ? [] : [custom]),
        ].join('; or '),
      ])
    return `${heading} ${title}\n\n${table([['flag', 'variable', 'default', 'what it is'], ...rows])}`
  })
  return groups.join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const [head, ...body] = cells
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row: readonly string[], fill: string) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i], fill)).join(' | ')} |\n`
  return [head, head.map(() => ''), ...body].map((row, i) => line(row, i === 1 ? '-' : ' ')).join('')
}
