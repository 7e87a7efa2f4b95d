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
export { bytes, choice, custom, integer, list, number, prompt, text, toggle } from './row'
export type { AnyFunction, Custom, Row, RowOptions, Rows } from './row'

// 2. Settings
export { checkResolved, resolve, type ResolveOptions } from './resolve'
export { isDefault } from './check-together'
export { identityOf, settingsData, storedIdentity } from './identity'

// 3. Where a front end finds them, and how it names them
export { readSources, type SourcesInput, type SourcesRead } from './read-sources'
export { readConfigFile } from './read-config-file'
export { nameOption } from './name-option'
export { hintFor } from './unknown-name'
export { closest } from './closest'

// 4. Settings for people
export { describe, type SettingDescription } from './describe'
export { formatSettings } from './format-settings'
export { settingsMarkdown } from './settings-markdown'

export { EvolmmError } from '@evolmm/internal'
