import type { DatasetErrorCode } from '@evolmm/dataset'
import { errorWith } from '@evolmm/internal'
import type { RewardsErrorCode } from '@evolmm/rewards'
import type { SettingsErrorCode } from '@evolmm/settings'
import type { VlmErrorCode } from '@evolmm/vlm'

/** What can be wrong with a task's rows, an answer, a judge, stored results, and with what lies below. */
export type EvalErrorCode =
  | DatasetErrorCode
  | RewardsErrorCode
  | SettingsErrorCode
  | VlmErrorCode
  | 'ANSWER_COUNT'
  | 'CACHE_UNUSABLE'
  | 'COLUMN_INVALID'
  | 'DIFFERENT_DATA'
  | 'INVALID_PAIRS'
  | 'INVALID_RESULTS'
  | 'INVALID_SAMPLE'
  | 'INVALID_SCORE'
  | 'JOURNAL_DAMAGED'
  | 'JUDGE_FAILED'
  | 'JUDGE_REFUSED'
  | 'NOTHING_TO_COMPARE'
  | 'NO_SAMPLES'
  | 'TASK_UNKNOWN'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<EvalErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
