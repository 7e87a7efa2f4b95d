import { errorWith, type FileErrorCode, type OptionErrorCode, type OutputErrorCode } from '@evolmm/internal'

/** What can be wrong with lessons, a state, or the folder of a run. */
export type SftErrorCode =
  FileErrorCode | OptionErrorCode | OutputErrorCode | 'IMAGE_UNREADABLE' | 'INVALID_ROW' | 'INVALID_STATE'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<SftErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
