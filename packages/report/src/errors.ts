import { errorWith, type FileErrorCode, type OptionErrorCode } from '@evolmm/internal'
import type { RunsErrorCode } from '@evolmm/runs'

/** What can be wrong with the folder of a run, its log, or the page. */
export type ReportErrorCode = FileErrorCode | OptionErrorCode | RunsErrorCode | 'RUN_NOT_FOUND'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<ReportErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
