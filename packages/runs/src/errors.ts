import { errorWith, type OutputErrorCode } from '@evolmm/internal'
import type { SafetensorsErrorCode } from '@evolmm/safetensors'

/** What can be wrong with the folder of a run, its checkpoints, its log, or a tracker. */
export type RunsErrorCode =
  | OutputErrorCode
  | SafetensorsErrorCode
  | 'INVALID_CHECKPOINT'
  | 'INVALID_RUN'
  | 'LOG_DAMAGED'
  | 'LOG_EXISTS'
  | 'LOG_INCOMPLETE'
  | 'LOG_NOT_FOUND'
  | 'LOG_UNWRITABLE'
  | 'LOG_VERSION'
  | 'NEWER_CHECKPOINT'
  | 'NOT_FINITE'
  | 'NO_SPACE'
  | 'NOT_STARTED'
  | 'OTHER_CONFIGURATION'
  | 'WANDB_JOURNAL_DAMAGED'
  | 'WANDB_KEY_MISSING'
  | 'WANDB_NOTHING_TO_SYNC'
  | 'WANDB_REFUSED'
  | 'WANDB_STATE_DAMAGED'
  | 'WANDB_UNREACHABLE'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<RunsErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
