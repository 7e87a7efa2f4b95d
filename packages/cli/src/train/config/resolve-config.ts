/**
 * The configuration of a run from its sources: a flag counts before the environment, that before a file, that before
 * the default. The first thing that is wrong is an `INVALID_OPTION` that names the flag, variable or key it came by.
 */
import { EvolmmError } from '@evolmm/internal'
import { checkTogether } from './check-together'
import { closest } from './closest'
import { notesOn } from './notes-on'
import { readJson, readText } from './read-value'
import type { ConfigSource, Setting } from './setting'
import { environmentName, trainSettings, type TrainConfig, type TrainSetting } from './train-settings'

export interface ConfigInput {
  /** By name, without dashes in front: texts as typed, `true` or `false` for switches. */
  flags?: Readonly<Record<string, string | boolean | undefined>>
  /** `process.env`; empty variables count as unset. */
  environment?: Readonly<Record<string, string | undefined>>
  /** Settings by name, as `readConfigFile` returns them; `path` is what messages call them. */
  file?: { path: string; values: Readonly<Record<string, unknown>> }
}

export interface ResolvedConfig {
  config: TrainConfig
  sources: Record<TrainSetting, ConfigSource>
  /** What is worth knowing and stops nothing, in sentences. */
  notes: string[]
}

/** A value and how messages name it. */
interface Given {
  name: string
  value: unknown
}
type Layer = Partial<Record<TrainSetting, Given>>

const allNames = Object.keys(trainSettings) as TrainSetting[]
const settings: Readonly<Record<TrainSetting, Setting>> = trainSettings
/** What a key may be: a name, or the second name of a setting. */
const keys = new Map(
  allNames.flatMap((name) => [[name, name] as const, [settings[name].alias?.name ?? name, name] as const]),
)

export function resolveConfig({ flags = {}, environment = {}, file }: ConfigInput = {}): ResolvedConfig {
  const layers: [ConfigSource, Layer][] = [
    ['flag', named(flags, (key) => `--${key}`, readFlag)],
    ['environment', fromEnvironment(environment)],
    ['file', named(file?.values ?? {}, (key) => `${file?.path ?? 'file'}: ${key}`, readJson)],
  ]
  const given = Object.fromEntries(
    allNames.map((name): [TrainSetting, Given & { source: ConfigSource }] => {
      for (const [source, layer] of layers) {
        const found = layer[name]
        if (found === undefined) continue
        // A variable that is not needed may say anything.
        const value =
          source === 'environment' ? readText(found.name, settings[name], String(found.value)) : found.value
        return [name, { ...found, value, source }]
      }
      return [name, { name: `--${name}`, value: settings[name].default, source: 'default' }]
    }),
  ) as Record<TrainSetting, Given & { source: ConfigSource }>

  const config = mapValues(given, ({ value }) => value) as unknown as TrainConfig
  const sources = mapValues(given, ({ source }) => source)
  const notes = notesOn(config, sources)
  config.max_checkpoints = Math.max(2, config.max_checkpoints)
  checkTogether(config, (name) => given[name].name)
  return { config, sources, notes }
}

/** Flags or keys of a file, which may be written with `-` for `_`. */
function named(
  values: Readonly<Record<string, unknown>>,
  nameOf: (key: string) => string,
  read: (name: string, setting: Setting, value: unknown) => unknown,
): Layer {
  const layer: Layer = {}
  for (const [key, raw] of Object.entries(values)) {
    if (raw === undefined) continue
    const setting = keys.get(key.replaceAll('-', '_'))
    if (setting === undefined) throw unknown(nameOf(key), key)
    put(layer, setting, { name: nameOf(key), value: read(nameOf(key), settings[setting], raw) })
  }
  return layer
}

function readFlag(name: string, setting: Setting, value: unknown): unknown {
  return typeof value === 'string' ? readText(name, setting, value) : readJson(name, setting, value)
}

function fromEnvironment(environment: NonNullable<ConfigInput['environment']>): Layer {
  const layer: Layer = {}
  for (const name of allNames) {
    const { alias, ignoreEnv } = settings[name]
    for (const variable of [environmentName(name), alias?.env]) {
      const value = variable === undefined ? undefined : environment[variable]
      if (variable === undefined || value === undefined || value === '' || ignoreEnv?.test(value)) continue
      put(layer, name, { name: variable, value })
    }
  }
  return layer
}

/** A setting that has two names may be given by both if they agree. */
function put(layer: Layer, setting: TrainSetting, given: Given): void {
  const other = layer[setting]
  if (other !== undefined && JSON.stringify(other.value) !== JSON.stringify(given.value))
    throw new EvolmmError(
      'INVALID_OPTION',
      `${given.name}: must be the same as ${other.name}, got ${JSON.stringify(given.value)} and ${JSON.stringify(other.value)}; give one of them`,
      { details: { option: setting, value: given.value } },
    )
  layer[setting] = given
}

function unknown(name: string, key: string): EvolmmError {
  const near = closest(key.replaceAll('-', '_'), [...keys.keys()])
  const fix = near === undefined ? 'leave it out' : `did you mean ${near}?`
  return new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be a setting of a run, got an unknown name; ${fix}`,
    {
      details: { option: key },
    },
  )
}

function mapValues<K extends string, A, B>(values: Record<K, A>, change: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(values).map(([key, value]) => [key, change(value)])) as Record<
    K,
    B
  >
}
