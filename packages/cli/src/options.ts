/** The flags that several commands share and that are no settings. */
import { type Command, Option } from 'commander'
import { EvolmmError } from './errors'

/** These flags say how results are written; `json` says what they are as JSON. */
export function addOutputFlags(command: Command, json?: string): Command {
  command.optionsGroup('Output:')
  if (json !== undefined)
    command.option('--json', json).addOption(new Option('--no-json', 'for people').hideHelp())
  return addCommonFlags(command)
}

/** Those of every command, without one as well. */
export function addCommonFlags(command: Command): Command {
  return command
    .option('--debug', 'show where an error comes from (or set EVOLMM_DEBUG=1)')
    .addOption(new Option('--no-debug', 'do not').hideHelp())
    .helpOption('-h, --help', 'show this help')
}

/** The error about a setting that must be given only beside others. */
export function missing(setting: string, command: string): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `${setting}: must be given, got nothing; see evolmm ${command} --help`,
    { details: { option: setting } },
  )
}
