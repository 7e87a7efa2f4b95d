import { errorWith } from '@evolmm/internal'
import type { VlmErrorCode } from '@evolmm/vlm'

/** What can be wrong with a plan and the configurations that it is made from; `MEMORY_EXCEEDED` for a run that does not fit. */
export type PlanErrorCode = VlmErrorCode

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<PlanErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
