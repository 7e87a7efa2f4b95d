// 1. A schema
export { schema, settingNamed } from './schema'
export type {
  Given,
  GivenOf,
  Name,
  Naming,
  Need,
  Origin,
  RowsOf,
  Rule,
  Schema,
  Settings,
  SettingsOf,
  Source,
  Values,
  ValuesOf,
} from './schema'
export { amount, bytes, choice, custom, integer, list, number, prompt, several, text, toggle } from './row'
export type { AnyFunction, Custom, Row, RowOptions, Rows } from './row'
export { loraRows, optimizerRows } from './learning-rows'
export { absentLaunching, absentTraining } from './absent-settings'
export { adapterRows, adapterRule, modelRows, pixelRows, pixelRule, samplingRows } from './shared-rows'

// 2. Settings
export { checkResolved, resolve, type ResolveOptions } from './resolve'
export { isDefault } from './check-together'
export { partOf } from './part-of'
export { modelOptions, optionsOf, pixelOptions } from './options-of'
export { identityOf, settingsData, storedIdentity } from './identity'

// 3. Where a front end finds them, and how it names them
export { readSources, type SourcesInput, type SourcesRead } from './read-sources'
export { readConfigFile } from './read-config-file'
export { nameOption } from './name-option'
export { nameElsewhere } from './unknown-name'
export { closest } from '@evolmm/internal'

// 4. Settings for people
export { describe, type SettingDescription } from './describe'
export { formatSettings, type FormatSettingsOptions } from './format-settings'
export { settingsMarkdown } from './settings-markdown'

export { EvolmmError, type SettingsErrorCode } from './errors'
