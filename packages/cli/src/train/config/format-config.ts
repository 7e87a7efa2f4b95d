/** A resolved configuration for people: one setting a line, in groups, with the source of what is not the default. */
import { isDefault } from './is-default'
import type { ResolvedConfig } from './resolve-config'
import type { Setting } from './setting'
import {
  environmentName,
  settingGroups,
  trainSettings,
  type TrainConfig,
  type TrainSetting,
} from './train-settings'

export function formatConfig({ config, sources }: Pick<ResolvedConfig, 'config' | 'sources'>): string {
  const width = Math.max(...Object.keys(config).map((name) => name.length))
  return settingGroups
    .map(({ title, names }) => {
      const lines = names.map((name) => {
        const value = formatValue(name, config[name])
        const from = {
          flag: config[name] === false ? `--no-${name}` : `--${name}`,
          environment: environmentName(name),
          file: 'the file',
          default: '',
        }[sources[name]]
        const mark = from === '' || isDefault(name, config[name]) ? '' : `  (from ${from})`
        return `  ${name.padEnd(width)}  ${value}${mark}\n`
      })
      return `${title}\n${lines.join('')}`
    })
    .join('\n')
}

/** As it could be typed, but for long texts, which are cut off, and for what stands for `null`. */
export function formatValue(name: TrainSetting, value: TrainConfig[TrainSetting]): string {
  const setting: Setting = trainSettings[name]
  if (value === null) return setting.otherwise ?? 'none'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'string') return cut(value.replace(/\s+/g, ' '))
  if (typeof value === 'object') return value.join(',')
  if (setting.kind === 'bytes')
    return value > 0 && value % 2 ** 20 === 0 ? `${value / 2 ** 20}MiB` : String(value)
  return value !== 0 && Math.abs(value) < 1e-2 ? value.toExponential() : String(value)
}

function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}
