/** The settings for help and documentation, in groups. */
import { formatValue } from './format-config'
import type { Setting } from './setting'
import { environmentName, settingGroups, trainSettings, type TrainSetting } from './train-settings'

export interface SettingDescription {
  group: string
  name: TrainSetting
  /** A second name, which says the same. */
  alias: string | undefined
  /** Environment variables that set it. */
  environment: readonly string[]
  /** What its value is called; `undefined` for a switch. */
  value: string | undefined
  help: string
  /** What it is when nobody sets it, in words. */
  defaultText: string
  /** A switch that is on. */
  on: boolean
}

const kinds: Readonly<Record<Setting['kind'], string | undefined>> = {
  integer: 'n',
  number: 'x',
  bytes: 'bytes',
  text: 'text',
  prompt: 'text',
  choice: undefined,
  list: 'names',
  switch: undefined,
}

export function describeSettings(): SettingDescription[] {
  return settingGroups.flatMap(({ title, names }) =>
    names.map((name) => {
      const setting: Setting = trainSettings[name]
      const { alias, choices, kind } = setting
      return {
        group: title,
        name,
        alias: alias?.name,
        environment: [environmentName(name), ...(alias ? [alias.env] : [])],
        value: setting.value ?? choices?.join('|') ?? kinds[kind],
        help: setting.help,
        defaultText: formatValue(name, setting.default),
        on: setting.default === true,
      }
    }),
  )
}
