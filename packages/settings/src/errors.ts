import { errorWith, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with a setting, or with the file that holds some. */
export type SettingsErrorCode = OptionErrorCode | 'INVALID_CONFIG_FILE'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<SettingsErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
