/**
 * Settings from where a front end finds them: a flag counts before the environment, that before a file, that before the
 * default. The first thing that is wrong is an `INVALID_OPTION` that names the flag, variable or key it came by.
 */
import { dirname } from 'node:path'
import { isObject } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { sameValue } from './check-together'
import { functionInFile, importFunction, type FunctionInFile } from './custom-function'
import { nameOption } from './name-option'
import { readJson, readText } from './read-value'
import { resolve } from './resolve'
import type { Row, Rows } from './row'
import { environmentNames, type Given, type Name, type Schema, type Settings, type Source } from './schema'
import { unknownName } from './unknown-name'

export interface SourcesInput {
  /** Flags by name, without dashes in front: texts as typed, `true` or `false` for switches. */
  flags?: Readonly<Record<string, string | boolean | readonly string[] | undefined>> | undefined
  /** `process.env`; empty variables count as unset. */
  environment?: Readonly<Record<string, string | undefined>> | undefined
  /** What to do where a setting must be given and is not: "see evolmm train --help". */
  remedy?: string | undefined
  /** Settings by name, as `readConfigFile` returns them; `path` is what messages call them. */
  file?: { path: string; values: Readonly<Record<string, unknown>> } | undefined
}

export interface SourcesRead<R extends Rows = Rows> {
  settings: Settings<R>
  sources: Record<Name<R>, Source>
  /** The subject by which messages call each setting: the flag, variable or key that gave it, or else its flag. */
  subjects: Record<Name<R>, string>
  /** What is worth knowing and stops nothing, in sentences. */
  notes: string[]
}

/** A value and how messages name it. */
interface Found {
  subject: string
  value: unknown
}
type Layer = Map<string, Found>

type ReadValue = (setting: string, row: Row, value: unknown) => unknown
/** The name of the setting that is being read, or of each. */
type OptionNames = string | Readonly<Record<string, string>>

export async function readSources<R extends Rows>(
  schema: Schema<R>,
  { flags = {}, environment = {}, file = { path: 'file', values: {} }, remedy }: SourcesInput,
): Promise<SourcesRead<R>> {
  const typed = orFunction(process.cwd(), (setting, row, value) =>
    typeof value === 'string' ? readText(setting, row, value) : readJson(setting, row, value),
  )
  const stored = orFunction(dirname(file.path), readJson)
  const layers: readonly (readonly [Source, Layer])[] = [
    ['flag', namedLayer(schema, flags, { read: typed, subjectOf: flag })],
    ['environment', environmentLayer(schema, environment)],
    ['file', namedLayer(schema, file.values, { read: stored, subjectOf: (key) => `${file.path}: ${key}` })],
  ]
  const given: Record<string, unknown> = {}
  const sources = {} as Record<Name<R>, Source>
  const subjects = {} as Record<Name<R>, string>
  for (const [setting, row] of Object.entries(schema.rows) as [Name<R>, Row][]) {
    const [source, layer] = layers.find(([, one]) => one.has(setting)) ?? ['default', undefined]
    const { subject = flag(setting), value } = layer?.get(setting) ?? {}
    sources[setting] = source
    subjects[setting] = subject
    if (layer === undefined) continue
    // A variable that is not needed may say anything.
    const read = source === 'environment' ? called(subject, () => typed(setting, row, value)) : value
    given[setting] = isInFile(read) ? await importFunction(setting, read).catch(naming(subject)) : read
  }
  return called(subjects, () => {
    const settings = resolve(schema, given as Given<R>, { write: flag, remedy })
    const notes = schema.notes(settings, { sources, given: given })
    return { settings, sources, subjects, notes: notes.filter((note) => note !== false) }
  })
}

const flag = (setting: string): string => `--${setting}`

/** A text that names a function in a file is read as that where the setting may be a function. */
function orFunction(folder: string, read: ReadValue): ReadValue {
  return (setting, row, value) => {
    const inFile = row.custom && typeof value === 'string' ? functionInFile(value, folder) : undefined
    return inFile ?? read(setting, row, value)
  }
}

function isInFile(value: unknown): value is FunctionInFile {
  return isObject(value) && 'exported' in value
}

/** Flags, or keys of a file, which may be written with `-` for `_`. */
function namedLayer<R extends Rows>(
  schema: Schema<R>,
  values: Readonly<Record<string, unknown>>,
  { read, subjectOf }: { read: ReadValue; subjectOf: (key: string) => string },
): Layer {
  const layer: Layer = new Map()
  for (const [key, raw] of Object.entries(values)) {
    if (raw === undefined) continue
    const subject = subjectOf(key)
    const setting = schema.names.get(key.replaceAll('-', '_'))
    if (setting === undefined) throw nameOption(unknownName(schema, key), subject)
    const value = called(subject, () => read(setting, schema.rows[setting], raw))
    put(layer, setting, { subject, value })
  }
  return layer
}

function environmentLayer<R extends Rows>(
  schema: Schema<R>,
  environment: NonNullable<SourcesInput['environment']>,
): Layer {
  const layer: Layer = new Map()
  for (const [setting, { ignoreEnv }] of Object.entries(schema.rows))
    for (const variable of environmentNames(schema, setting)) {
      const value = environment[variable]
      if (value === undefined || value === '' || ignoreEnv?.test(value)) continue
      put(layer, setting, { subject: variable, value })
    }
  return layer
}

/** A setting that has two names may be given by both if they agree. */
function put(layer: Layer, setting: string, found: Found): void {
  const other = layer.get(setting)
  if (other !== undefined && !sameValue(other.value, found.value))
    throw new EvolmmError(
      'INVALID_OPTION',
      `${found.subject}: must be the same as ${other.subject}, got ${JSON.stringify(found.value)} and ${JSON.stringify(other.value)}; give one of them`,
      { details: { option: setting, value: found.value } },
    )
  layer.set(setting, found)
}

/** What `work` returns; its errors name their setting as whoever gave it did. */
function called<T>(subject: OptionNames, work: () => T): T {
  try {
    return work()
  } catch (error) {
    return naming(subject)(error)
  }
}

function naming(subject: OptionNames): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof EvolmmError)) throw error
    throw nameOption(error, typeof subject === 'string' ? subject : subject[String(error.details.option)])
  }
}
