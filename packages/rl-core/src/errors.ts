import { errorWith, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with rewards, vectors, or the options. */
export type RlCoreErrorCode = OptionErrorCode | 'INVALID_REWARD' | 'LENGTH_MISMATCH' | 'NO_FINITE_SCORE'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<RlCoreErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
