/** Resolved settings for people: one a line, in groups, with the source of what is not the default. */
import { checkNames } from '@evolmm/internal'
import { isDefault } from './check-together'
import { functionName } from './custom-function'
import type { AnyFunction, Row, Rows } from './row'
import { environmentNames, type Name, type Schema, type Settings, type Source } from './schema'

export interface FormatSettingsOptions<R extends Rows> {
  /** The names of the settings that are shown; a group without any is left out. @default all of them */
  only?: readonly Name<R>[]
}

export function formatSettings<R extends Rows>(
  schema: Schema<R>,
  { settings, sources }: { settings: Settings<R>; sources: Readonly<Record<Name<R>, Source>> },
  options: FormatSettingsOptions<R> = {},
): string {
  checkNames('formatSettings', options, { only: true })
  const { only } = options
  const shown = new Set<string>(only ?? Object.keys(schema.rows))
  const width = Math.max(...[...shown].map((name) => name.length))
  return schema.groups
    .map(({ title, names: all }) => ({ title, names: all.filter((name) => shown.has(name)) }))
    .filter(({ names }) => names.length > 0)
    .map(({ title, names }) => {
      const lines = names.map((name) => {
        const value: unknown = settings[name]
        const from = {
          flag: value === false ? `--no-${name}` : `--${name}`,
          environment: environmentNames(schema, name)[0],
          file: 'the file',
          code: '',
          default: '',
        }[sources[name]]
        const mark = from === '' || isDefault(schema, settings, name) ? '' : `  (from ${from})`
        return `  ${name.padEnd(width)}  ${formatValue(schema.rows[name], value)}${mark}\n`
      })
      return `${title}\n${lines.join('')}`
    })
    .join('\n')
}

/** The value as it could be typed, but for long texts, which are cut off, and for what stands for `null`. */
export function formatValue(row: Row, value: unknown): string {
  if (value === null) return row.otherwise ?? row.follows ?? 'none'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'function') return functionName(value as AnyFunction)
  if (typeof value === 'number') return formatNumber(row, value)
  return cut((value as string | readonly string[]).toString().replace(/\s+/g, ' '))
}

function formatNumber({ kind }: Row, value: number): string {
  if (kind === 'bytes') return bytesText(value)
  return value !== 0 && Math.abs(value) < 1e-2 ? value.toExponential() : String(value)
}

function bytesText(value: number): string {
  if (value === 0) return '0'
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20}MiB` : `${value}B`
}

function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}
