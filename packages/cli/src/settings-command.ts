/** A command whose settings are a schema: its flags, help, environment, `--config` and errors are made from it. */
import { type Command, Option } from 'commander'
import {
  describe as describeSettings,
  nameElsewhere,
  nameOption,
  readConfigFile,
  readSources,
  schema,
  settingNamed,
  type Rows,
  type Schema,
  type SettingDescription,
  type Settings,
  type SourcesInput,
  type SourcesRead,
} from '@evolmm/settings'
import { EvolmmError } from './errors'
import type { Context } from './context'
import { configFlag, debugFlag, jsonFlag } from './options'

export type Flags = NonNullable<SourcesInput['flags']>

export interface SettingsCommand<R extends Rows, O extends Rows> {
  /** The alias is a second name. @default none */
  alias?: string
  usage: string
  summary: string
  description: string
  examples: string
  /** The settings, which say how it is done. @default there are none */
  schema?: Schema<R>
  /** Flags that say what is done; no file of settings has them. @default there are none */
  own?: Schema<O>
  /** What is written as JSON, where that can be asked for. */
  json?: string
  /** Adds what is given without a flag. */
  addArguments?: (command: Command) => void
  /** Flags of settings, from those that were given. */
  readFlags?: (flags: Flags) => Flags
  /** The function does the work and returns the exit code. @default 0 */
  run: (context: Context, read: SourcesRead<R>, own: Own<O>) => Promise<number | undefined>
}

type Own<O extends Rows> = Settings<O> & { json: boolean; args: readonly string[] }

export interface CommandHost {
  /** The program, or the command that this one belongs to. */
  program: Command
  context: Context
  exit: (code: number) => void
}

const nothing = schema({ name: 'a command without settings', groups: {} })

/** Returns the command, so that others can be added to it. */
export function addSettingsCommand<R extends Rows, O extends Rows>(
  { program, context, exit }: CommandHost,
  name: string,
  { addArguments, readFlags = (flags) => flags, run, json, ...given }: SettingsCommand<R, O>,
): Command {
  // Where a command gives no schema, nothing says what R is: it reads nothing from it.
  const { schema: settings = nothing as unknown as Schema<R>, own = nothing as unknown as Schema<O> } = given
  const command = program
    .command(name)
    .usage(given.usage)
    .summary(given.summary)
    .description(given.description)
  if (given.alias !== undefined) command.alias(given.alias)
  addArguments?.(command)
  addFlags(command, own)
  addFlags(command, settings)
  if (settings.names.size > 0) addFlags(command, configFlag)
  const output = json === undefined ? undefined : jsonFlag(json)
  if (output !== undefined) addFlags(command, output)
  addDebugFlag(command)
    .addHelpText('after', given.examples)
    .action(async () => {
      const { environment } = context
      const remedy = `see ${commandPath(command)} --help`
      const readOwn = async <T extends Rows>(flags: Schema<T>) =>
        (await readSources(flags, { flags: givenFlags(command, flags), environment, remedy })).settings
      const { json: asJson } = output === undefined ? { json: false } : await readOwn(output)
      const told = { ...(await readOwn(own)), json: asJson, args: command.args }
      const { config } = await readOwn(configFlag)
      const read = await readSources(settings, {
        flags: readFlags(givenFlags(command, settings)),
        environment,
        file: config === null ? undefined : await readConfigFile(config).catch(nameConfig),
        remedy,
      })
      const code = await run(context, read, told).catch((error: unknown) => {
        throw nameSetting(error, settings, read.subjects)
      })
      exit(code ?? 0)
    })
  return command
}

/** What is typed to call a command: evolmm mstar select. */
export function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`
}

export function addDebugFlag(command: Command): Command {
  return addFlags(command, debugFlag).helpOption('-h, --help', 'show this help')
}

/** What there is to know of flags, whatever their settings are. */
type FlagSchema = Pick<Schema, 'groups' | 'rows' | 'names' | 'absent'>

/** The schemas that the flags of commands are made from. */
const schemas = new WeakMap<Command, readonly FlagSchema[]>()

export function schemasOf(command: Command): readonly FlagSchema[] {
  return schemas.get(command) ?? []
}

/** What is known of a flag that a command does not have: what other libraries call a setting, or why there is none. */
export function hintAbout(command: Command, flag: string): string | undefined {
  const hints = schemasOf(command).map((one) => nameElsewhere(one, flag, (setting) => `--${setting}`))
  return hints.find((hint) => hint !== undefined)
}

function addFlags<R extends Rows>(command: Command, schema: Schema<R>): Command {
  schemas.set(command, [...schemasOf(command), schema])
  for (const setting of describeSettings(schema)) {
    const { group, name, value, alias } = setting
    command.optionsGroup(`${group}:`)
    if (value === undefined) {
      command.addOption(new Option(`--${name}`, describe(setting)))
      command.addOption(new Option(`--no-${name}`).hideHelp())
      continue
    }
    command.option(`--${name} <${value}>`, describe(setting))
    if (alias !== undefined) command.addOption(new Option(`--${alias} <${value}>`).hideHelp())
  }
  // Both ways to write a switch in one place.
  return command.configureHelp({
    ...command.configureHelp(),
    optionTerm: ({ flags, short, required }) =>
      short !== undefined || required ? flags : flags.replace('--', '--[no-]'),
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
