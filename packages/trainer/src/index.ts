// Settings
export { resolveConfig, type ConfigInput, type ResolvedConfig } from './config/resolve-config'
export { readConfigFile } from './config/read-config-file'
export { formatConfig } from './config/format-config'
export { describeSettings, type SettingDescription } from './config/describe-settings'
export type { ConfigSource } from './config/setting'
export type { TrainConfig, TrainSetting } from './config/train-settings'

// Records
export type {
  Alarm,
  AnswerRecord,
  ImageRecord,
  IterationRecord,
  PhaseSeconds,
  UpdateRecord,
  WatchRecord,
} from './record'

// Trackers
export type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'

export { EvolmmError } from '@evolmm/internal'
