import { errorWith } from '@evolmm/internal'
import type { TrainerErrorCode } from '@evolmm/trainer'

/** What can be wrong with a plan, and what lies below. */
export type PlanErrorCode = TrainerErrorCode

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<PlanErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
