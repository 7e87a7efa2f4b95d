/** A plan's report as the commands give it: its advice in flags. */
import {
  formatAdvice,
  reportRun,
  type FitOptions,
  type MemoryPhase,
  type MemoryPlan,
  type RunReport,
} from '@evolmm/plan'

export type ShownReport<P extends string = MemoryPhase> = Omit<RunReport<object, P>, 'advice'> & {
  advice: string | null
}

export function shownReport<V extends object, P extends string>(
  plan: MemoryPlan<V, P>,
  options: FitOptions,
): ShownReport<P> {
  const { advice, ...report } = reportRun(plan, options)
  return { ...report, advice: advice && formatAdvice(advice, writeFlag) }
}

export function writeFlag(setting: string, value: unknown): string {
  return value === true ? `--${setting}` : `--${setting} ${String(value)}`
}
