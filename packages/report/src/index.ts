export { writeReport, type WriteReportOptions } from './write-report'

export { EvolmmError } from '@evolmm/internal'
