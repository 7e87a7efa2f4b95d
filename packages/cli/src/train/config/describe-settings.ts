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
  /** What its value may be, for one of a list. */
  choices: readonly string[] | undefined
  help: string
  /** What it is when nobody sets it, in words. */
  defaultText: string
}

const kinds: Readonly<Record<Setting['kind'], string | undefined>> = {
  integer: 'n',
  number: 'x',
  bytes: 'bytes',
  text: 'text',
  prompt: 'text',
  choice: 'name',
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
        value: setting.value ?? kinds[kind],
        choices,
        help: setting.help,
        defaultText: formatValue(name, trainSettings[name].default).replaceAll(',', ', '),
      }
    }),
  )
}
