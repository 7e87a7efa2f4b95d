import type { DatasetErrorCode } from '@evolmm/dataset'
import { errorWith } from '@evolmm/internal'
import type { RewardsErrorCode } from '@evolmm/rewards'
import type { RlCoreErrorCode } from '@evolmm/rl-core'
import type { RunsErrorCode } from '@evolmm/runs'
import type { SettingsErrorCode } from '@evolmm/settings'
import type { VlmErrorCode } from '@evolmm/vlm'

/** What can be wrong with what a run learns from, and with what lies below. */
export type TrainerErrorCode =
  DatasetErrorCode | RewardsErrorCode | RlCoreErrorCode | RunsErrorCode | SettingsErrorCode | VlmErrorCode

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<TrainerErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
