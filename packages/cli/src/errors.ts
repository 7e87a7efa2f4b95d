import type { EvalErrorCode } from '@evolmm/eval'
import { errorWith } from '@evolmm/internal'
import type { PlanErrorCode } from '@evolmm/plan'
import type { ReportErrorCode } from '@evolmm/report'
import type { TrainerErrorCode } from '@evolmm/trainer'

/** What a command tells of: its own, and what can go wrong in all packages. */
export type CliErrorCode =
  | EvalErrorCode
  | PlanErrorCode
  | ReportErrorCode
  | TrainerErrorCode
  | 'NO_RESULTS'
  | 'PROBE_FAILED'
  | 'SETUP_FAILED'
  | 'TASK_FILE_FAILED'
  | 'UNKNOWN_METHOD'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<CliErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
