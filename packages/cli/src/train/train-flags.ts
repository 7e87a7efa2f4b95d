/** The flags of `evolmm train`, made from the table of settings, and what of them was given. */
import { Option, type Command } from 'commander'
import {
  describe as describeSettings,
  type SettingDescription,
  type SourcesInput,
  type SourcesRead,
} from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'

export function addTrainFlags(command: Command): void {
  let group = ''
  for (const setting of describeSettings(evolmmSettings)) {
    if (setting.group !== group) command.optionsGroup(`${setting.group}:`)
    group = setting.group
    const { name, value, alias } = setting
    if (value === undefined) {
      command.addOption(new Option(`--${name}`, describe(setting)))
      command.addOption(new Option(`--no-${name}`).hideHelp())
      continue
    }
    command.option(`--${name} <${value}>`, describe(setting))
    if (alias !== undefined) command.addOption(new Option(`--${alias} <${value}>`).hideHelp())
  }
  // Both ways to write a switch in one place.
  const switches = new Set<string>(
    describeSettings(evolmmSettings).flatMap(({ name, value }) => (value === undefined ? [name] : [])),
  )
  command.configureHelp({
    ...command.configureHelp(),
    optionTerm: (option) =>
      switches.has(option.attributeName()) ? option.flags.replace('--', '--[no-]') : option.flags,
  })
}

export type ReadSettings = SourcesRead<typeof evolmmSettings.rows>

/** The flags by name, as `readSources` takes them. */
export function givenFlags(command: Command): NonNullable<SourcesInput['flags']> {
  const values = command.opts<Record<string, string | boolean | undefined>>()
  const names = describeSettings(evolmmSettings).flatMap(({ name, alias }) => [
    name,
    ...(alias === undefined ? [] : [alias]),
  ])
  return Object.fromEntries(names.map((name) => [name, values[name]]))
}

function describe({ help, choices, defaultText }: SettingDescription): string {
  return choices === undefined
    ? `${help} (default: ${defaultText})`
    : `${help} (one of ${choices.join(', ')}; default: ${defaultText})`
}
