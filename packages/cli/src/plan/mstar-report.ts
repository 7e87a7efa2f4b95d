/** A plan of M-STaR as the commands give it: its memory, and what it asks and writes. */
import { mstarPhases, type FitOptions, type MstarPhase, type MstarPlan } from '@evolmm/plan'
import { formatMemory } from './format-plan'
import { formatWork } from './format-work'
import { shownReport, type ShownReport } from './shown-report'

export interface MstarReport extends ShownReport<MstarPhase> {
  /** The number of questions of each file. */
  questions: { data: number; validation: number; unlabelled: number }
  work: MstarPlan['work']
}

export function mstarReport(plan: MstarPlan, options: FitOptions): MstarReport {
  const { questions, validation, unlabelled } = plan.survey
  return {
    ...shownReport(plan, options),
    questions: { data: questions, validation, unlabelled },
    work: plan.work,
  }
}

export function formatMstarPlan(plan: MstarPlan, report: MstarReport): string {
  const words = { names: mstarPhases, trained: 'trained parameters', batch: plan.batch.setting }
  return `${formatWork(plan)}\n${formatMemory(report, words)}`
}
