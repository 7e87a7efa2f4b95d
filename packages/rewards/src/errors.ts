import { errorWith, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with a batch, a reward of one's own, or the options. */
export type RewardsErrorCode = OptionErrorCode | 'EMPTY_GROUP' | 'INVALID_ANSWER' | 'INVALID_REWARD'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<RewardsErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
