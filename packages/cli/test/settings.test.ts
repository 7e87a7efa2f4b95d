import { expect, test } from 'vitest'
import { describeSettings } from '../src/train/config/describe-settings'

/** A table as prettier writes it. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row: readonly string[], fill: string) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i], fill)).join(' | ')} |\n`
  const [head, ...body] = cells
  return [head, head.map(() => ''), ...body].map((row, i) => line(row, i === 1 ? '-' : ' ')).join('')
}

const introduction = `# Settings of a run

Made from the table in \`src/train/config/train-settings.ts\`, as is \`evolmm train --help\`. A flag counts before its environment
variable, that before the \`--config\` file, that before the default. Variables without \`EVOLMM_\` are those of the released
\`train.py\`; so are their flags and defaults.
`

test('SETTINGS.md lists every setting as it is', async () => {
  const settings = describeSettings()
  const groups = [...new Set(settings.map(({ group }) => group))].map((group) => {
    const rows = settings
      .filter((setting) => setting.group === group)
      .map(({ name, value, environment, defaultText, help, choices }) => [
        value === undefined ? `\`--[no-]${name}\`` : `\`--${name}\``,
        environment.map((variable) => `\`${variable}\``).join(', '),
        defaultText,
        choices === undefined ? help : `${help}: ${choices.join(', ')}`,
      ])
    return `## ${group}\n\n${table([['flag', 'variable', 'default', 'what it is'], ...rows])}`
  })
  await expect(`${introduction}\n${groups.join('\n')}`).toMatchFileSnapshot('../SETTINGS.md')
})
