/**
 * Spellings of flags: `--top_p` and `--top-p` are one flag, and `--flag=value` and `--flag value` say the same. Only
 * names are touched, so the walk has to know which arguments are values: the one after a flag that takes one, whatever
 * it looks like.
 */
import type { Command, Option } from 'commander'
import { EvolmmError } from './errors'
import { hintAbout } from './settings-command'

/** `argv` with the flags of `program` and its commands as these declare them. */
export function normalizeFlags(argv: readonly string[], program: Command): string[] {
  const normalized: string[] = []
  let command = program
  let known = flagsOf(command)
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? ''
    if (argument === '--') return [...normalized, ...argv.slice(i)]
    if (!argument.startsWith('--')) {
      checkAssignment(argument, command)
      const next = command === program ? findCommand(program, argument) : undefined
      if (next !== undefined) {
        command = next
        known = flagsOf(command)
      }
      normalized.push(argument)
      continue
    }
    const end = argument.includes('=') ? argument.indexOf('=') : argument.length
    const option = known.get(key(argument.slice(0, end)))
    const value = end < argument.length ? [argument.slice(end + 1)] : []
    if (option === undefined) {
      const flag = argument.slice(0, end)
      const hint = hintAbout(command, flag.slice(2))
      if (hint !== undefined) throw new EvolmmError('INVALID_OPTION', `unknown option '${flag}'; ${hint}`)
      // Commander says that it is unknown, and which one may be meant.
      normalized.push(argument.slice(0, end).replace(/(?<=\w)-/g, '_'), ...value)
      continue
    }
    normalized.push(option.long ?? argument)
    if (option.required) normalized.push(...(value.length > 0 ? value : nextValue(argv, ++i, option, known)))
    else if (value.length > 0)
      throw invalid(option, 'must stand alone', argument, `write ${option.long} or leave it out`)
  }
  return normalized
}

/** `worker.rollout.n=5`, as EasyR1 writes a setting; where files are given, one may be called so. */
function checkAssignment(argument: string, command: Command): void {
  const end = argument.indexOf('=')
  if (end < 0 || command.options.some(({ variadic }) => variadic)) return
  const name = argument.slice(0, end)
  const hint = hintAbout(command, name)
  if (hint !== undefined) throw new EvolmmError('INVALID_OPTION', `unknown argument '${name}'; ${hint}`)
}

/** None at the end of the line, which commander names. */
function nextValue(
  argv: readonly string[],
  at: number,
  option: Option,
  known: ReadonlyMap<string, Option>,
): readonly string[] {
  const value = argv.slice(at, at + 1)
  const [flag = ''] = value
  if (flag.startsWith('--') && known.has(key(flag)))
    throw invalid(
      option,
      'must be given a value',
      `the flag ${flag}`,
      `write ${option.long}=${flag} if it is the value`,
    )
  return value
}

function invalid({ flags }: Option, rule: string, got: string, fix: string): EvolmmError {
  return new EvolmmError('INVALID_OPTION', `${flags}: ${rule}, got ${got}; ${fix}`)
}

function flagsOf(command: Command): Map<string, Option> {
  return new Map(command.options.map((option) => [key(option.long ?? ''), option]))
}

function key(flag: string): string {
  return flag.replaceAll('_', '-')
}

/** The command of that name, or of that second name. */
export function findCommand(program: Command, name: string): Command | undefined {
  return program.commands.find((one) => one.name() === name || one.aliases().includes(name))
}
