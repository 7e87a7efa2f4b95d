/**
 * Spellings of flags: `--top_p` and `--top-p` are one flag, and `--flag=value` and `--flag value` say the same. Only
 * names are touched, so the walk has to know which arguments are values: the one after a flag that takes one, whatever
 * it looks like.
 */
import { closest } from '@evolmm/settings'
import type { Command, Option } from 'commander'
import { EvolmmError } from './errors'
import { commandPath, hintAbout } from './settings-command'

/** `argv` with the flags of `program` and its commands as these declare them. */
export function normalizeFlags(argv: readonly string[], program: Command): string[] {
  const normalized: string[] = []
  let command = program
  let known = flagsOf(command)
  let given: string | undefined
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? ''
    if (argument === '--') return [...normalized, ...argv.slice(i)]
    if (!argument.startsWith('--')) {
      checkAssignment(argument, command)
      const next = nextCommand(command, argument)
      if (next !== undefined) {
        checkPlace(command, given, argument)
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
    given = argument.slice(0, end)
    normalized.push(option.long ?? argument)
    if (option.required) normalized.push(...(value.length > 0 ? value : nextValue(argv, ++i, option, known)))
    else if (value.length > 0)
      throw invalid(option, 'must stand alone', argument, `write ${option.long} or leave it out`)
  }
  return normalized
}

/** The command below `command` that a word names. */
function nextCommand(command: Command, name: string): Command | undefined {
  const next = findCommand(command, name)
  // The program itself names an unknown command.
  if (next !== undefined || command.parent === null || command.commands.length === 0) return next
  const names = command.commands.map((one) => one.name())
  const meant = closest(name, names)
  const hint = meant === undefined ? `see ${commandPath(command)} --help` : `did you mean ${meant}?`
  throw new EvolmmError('INVALID_OPTION', `unknown command '${commandPath(command)} ${name}'; ${hint}`)
}

/** Flags of a command that others are below would be lost in front of their names. */
function checkPlace(command: Command, flag: string | undefined, name: string): void {
  if (command.parent === null || flag === undefined) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `${flag}: must come behind the command ${name}, got it in front; write ${commandPath(command)} ${name} ${flag}`,
  )
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

/** The command that the first words name, the program itself for none. */
export function commandNamed(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const next = findCommand(command, word)
    if (next === undefined) break
    command = next
  }
  return command
}

/** The command of that name, or of that second name. */
export function findCommand(program: Command, name: string): Command | undefined {
  return program.commands.find((one) => one.name() === name || one.aliases().includes(name))
}
