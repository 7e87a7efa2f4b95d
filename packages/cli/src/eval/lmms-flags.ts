/** Flags of lmms-eval that mean nothing here, so that its command lines can be used as they are. */
import { type Command, Option } from 'commander'
import { checkOneOf } from '@evolmm/internal'
import { ignoredEvalFlags } from '@evolmm/eval'
import { ignoredModelArgs } from './model-args'

export function addLmmsFlags(command: Command): void {
  for (const { name, value } of ignoredEvalFlags)
    command.addOption(new Option(value === undefined ? `--${name}` : `--${name} <${value}>`).hideHelp())
  command.addOption(
    new Option('--num_fewshot <n>')
      .hideHelp()
      .argParser((value) => checkOneOf('--num_fewshot', value, ['0'])),
  )
}

/** Those that were given, also among the arguments of the model. */
export function ignoredFlags(own: Readonly<Record<string, unknown>>, modelArgs: string | null): string[] {
  return [
    ...ignoredModelArgs(modelArgs).map((key) => `--model_args ${key}`),
    ...ignoredEvalFlags.filter(({ name }) => own[name] !== undefined).map(({ name }) => `--${name}`),
  ]
}
