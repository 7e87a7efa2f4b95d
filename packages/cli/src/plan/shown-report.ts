/** A plan's report as the commands give it: its advice in flags. */
import { formatAdvice, reportRun, type FitOptions, type RunPlan, type RunReport } from '@evolmm/plan'

export type ShownReport = Omit<RunReport, 'advice'> & { advice: string | null }

export function shownReport(plan: RunPlan, options: FitOptions): ShownReport {
  const { advice, ...report } = reportRun(plan, options)
  return { ...report, advice: advice && formatAdvice(advice, writeFlag) }
}

export function writeFlag(setting: string, value: unknown): string {
  return value === true ? `--${setting}` : `--${setting} ${String(value)}`
}
