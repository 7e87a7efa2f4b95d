import { errorWith, type FileErrorCode, type OptionErrorCode, type OutputErrorCode } from '@evolmm/internal'

/** What can be wrong with options, or with files of rollouts. */
export type MstarErrorCode =
  FileErrorCode | OptionErrorCode | OutputErrorCode | 'INVALID_ROLLOUTS' | 'NOTHING_KEPT' | 'NO_SCORES'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<MstarErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
