import type { EvalErrorCode } from '@evolmm/eval'
import { errorWith } from '@evolmm/internal'
import type { PlanErrorCode } from '@evolmm/plan'
import type { ReportErrorCode } from '@evolmm/report'

/** What a command tells of: its own, and what can go wrong in all packages; a plan's codes include those of training. */
export type CliErrorCode =
  | EvalErrorCode
  | PlanErrorCode
  | ReportErrorCode
  | 'NO_RESULTS'
  | 'PROBE_FAILED'
  | 'SETUP_FAILED'
  | 'TASK_FILE_FAILED'
  | 'UNKNOWN_METHOD'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<CliErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
