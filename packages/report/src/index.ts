export { writeReport, type WriteReportOptions } from './write-report'

export { EvolmmError, type ReportErrorCode } from './errors'
