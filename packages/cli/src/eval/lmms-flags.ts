/** Flags of lmms-eval that mean nothing here, so that its command lines can be used as they are. */
import { type Command, Option } from 'commander'
import { checkOneOf } from '@evolmm/internal'

const ignored = [
  ...['--apply_chat_template', '--fewshot_as_multiturn', '--force_simple', '--process_with_media'],
  ...['--trust_remote_code', '--verbosity <name>', '--use_cache <path>'],
]

export function addLmmsFlags(command: Command): Command {
  for (const flag of ignored) command.addOption(new Option(flag).hideHelp())
  return command.addOption(
    new Option('--num_fewshot <n>')
      .hideHelp()
      .argParser((value) => checkOneOf('--num_fewshot', value, ['0'])),
  )
}

/** Those that were given. */
export function ignoredFlags(command: Command): string[] {
  return ignored
    .map((flag) => flag.replace(/ .*/, ''))
    .filter((flag) => command.getOptionValue(flag.slice(2)) !== undefined)
}
