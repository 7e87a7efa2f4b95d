/** A command whose settings are a schema: its flags, help, environment, `--config` and errors are made from it. */
import { type Command, Option } from 'commander'
import {
  describe as describeSettings,
  nameElsewhere,
  nameOption,
  readConfigFile,
  readSources,
  settingNamed,
  type Rows,
  type Schema,
  type SettingDescription,
  type SourcesInput,
  type SourcesRead,
} from '@evolmm/settings'
import { EvolmmError } from './errors'
import type { Context } from './context'
import { addOutputFlags } from './options'

export type Flags = NonNullable<SourcesInput['flags']>

export interface SettingsCommand<R extends Rows, O extends object> {
  usage: string
  summary: string
  description: string
  examples: string
  schema: Schema<R>
  /** What is written as JSON, where that can be asked for. */
  json?: string
  /** Adds arguments, and flags that are no settings: they say what to do, not how. */
  addFlags?: (command: Command) => void
  /** Flags of settings, from those that were given and from the command's own. */
  readFlags?: (flags: Flags, own: O) => Flags
  /** The exit code. @default 0 */
  run: (
    context: Context,
    read: SourcesRead<R>,
    own: O & { args: readonly string[] },
  ) => Promise<number | undefined>
}

export interface CommandHost {
  program: Command
  context: Context
  exit: (code: number) => void
}

export function addSettingsCommand<R extends Rows, O extends object>(
  { program, context, exit }: CommandHost,
  name: string,
  { schema, addFlags, readFlags = (flags) => flags, run, ...texts }: SettingsCommand<R, O>,
): void {
  const command = program
    .command(name)
    .usage(texts.usage)
    .summary(texts.summary)
    .description(texts.description)
  addFlags?.(command)
  addSettings(command, schema)
  command.optionsGroup('Configuration:')
  command.option('--config <file>', 'settings by name as JSON, or the run.json of a run')
  addOutputFlags(command, texts.json)
    .addHelpText('after', texts.examples)
    .action(async () => {
      const own = command.opts<O & { config?: string }>()
      const read = await readSources(schema, {
        flags: readFlags(givenFlags(command, schema), own),
        environment: context.environment,
        file: own.config === undefined ? undefined : await readConfigFile(own.config).catch(nameConfig),
        remedy: `see evolmm ${name} --help`,
      })
      const code = await run(context, read, { ...own, args: command.args }).catch((error: unknown) => {
        throw nameSetting(error, schema, read.subjects)
      })
      exit(code ?? 0)
    })
}

/** What commands know of flags that they do not have: what other libraries call a setting, or why there is none. */
const hints = new WeakMap<Command, (flag: string) => string | undefined>()

export function hintAbout(command: Command, flag: string): string | undefined {
  return hints.get(command)?.(flag)
}

function addSettings<R extends Rows>(command: Command, schema: Schema<R>): void {
  hints.set(command, (flag) => nameElsewhere(schema, flag, (setting) => `--${setting}`))
  const switches = new Set<string>()
  for (const setting of describeSettings(schema)) {
    const { group, name, value, alias } = setting
    command.optionsGroup(`${group}:`)
    if (value === undefined) {
      switches.add(name)
      command.addOption(new Option(`--${name}`, describe(setting)))
      command.addOption(new Option(`--no-${name}`).hideHelp())
      continue
    }
    command.option(`--${name} <${value}>`, describe(setting))
    if (alias !== undefined) command.addOption(new Option(`--${alias} <${value}>`).hideHelp())
  }
  // Both ways to write a switch in one place.
  command.configureHelp({
    ...command.configureHelp(),
    optionTerm: (option) =>
      switches.has(option.attributeName()) ? option.flags.replace('--', '--[no-]') : option.flags,
  })
}

/** The flags that were given, by name. */
function givenFlags<R extends Rows>(command: Command, { names }: Schema<R>): Flags {
  const values = command.opts<Flags>()
  return Object.fromEntries([...names.keys()].map((name) => [name, values[name]]))
}

/** An error about a setting, or about an option of a function below, as whoever gave it knows it. */
function nameSetting<R extends Rows>(
  error: unknown,
  schema: Schema<R>,
  subjects: Readonly<Record<string, string>>,
): unknown {
  if (!(error instanceof EvolmmError)) return error
  const setting = settingNamed(schema, String(error.details.option))
  return setting === undefined ? error : nameOption(error, subjects[setting])
}

function nameConfig(error: unknown): never {
  throw error instanceof EvolmmError ? nameOption(error, '--config') : error
}

function describe({ help, choices, custom, defaultText }: SettingDescription): string {
  const said = [
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
    ...(custom === undefined ? [] : [`or ${custom}`]),
    ...(defaultText === undefined ? [] : [`default: ${defaultText}`]),
  ]
  return said.length === 0 ? help : `${help} (${said.join('; ')})`
}
