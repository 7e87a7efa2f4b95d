/** What a task's scores add up to, with all that one has to know to compare the number with another one. */
import { mean } from '@evolmm/internal'
import type { RowGroup, ScoringMode } from '../task'
import type { ScoredRecord } from './journal'
import type { OpenTask, EvaluatedRun } from './selection'

export interface TaskResult {
  task: string
  /** The numbers by metric; null where there is nothing to report. */
  metrics: Readonly<Record<string, number | null>>
  /** Standard errors of those that are plain means. */
  stderr: Readonly<Record<string, number | null>>
  breakdown: Readonly<Record<string, Readonly<Record<string, RowGroup>>>>
  mode: ScoringMode
  /** Who was asked; null for nobody. */
  judge: string | null
  /** Commit of the data set, or a digest of the files. */
  revision: string
  /** Rows that count, and that the data has. */
  rows: number
  allRows: number
  /** The share of the rows that a rule of last resort decided. */
  fallbackShare: number
  /** Rows that nothing could decide; while there are any, means are null. */
  unscored: number
}

export interface Evaluation {
  /** The date of the beginning of the run, YYYYMMDD_HHMMSS in local time. */
  date: string
  model: string
  tasks: TaskResult[]
  /** Absent when nothing is stored. */
  files?: { results: string; samples: string[] } | undefined
}

export function summarize(
  { task, data }: OpenTask,
  { settings: { mode }, judge }: Pick<EvaluatedRun, 'settings' | 'judge'>,
  records: readonly ScoredRecord[],
): TaskResult {
  const scores = records.map(({ score }) => score)
  const fallbacks = scores.filter(({ fallback }) => fallback === true).length
  const unscored = scores.filter(({ values }) =>
    Object.values(values).every((value) => value === null),
  ).length
  return {
    task: task.name,
    metrics: finiteOrNull(task.aggregate(scores, { mode })),
    stderr: Object.fromEntries(
      (task.means ?? []).map((name) => [
        name,
        standardError(scores.map(({ values }) => values[name] ?? null)),
      ]),
    ),
    breakdown: task.breakdown?.(scores) ?? {},
    mode,
    judge: (task.judge ?? 'never') === 'never' ? null : (judge?.name ?? null),
    revision: data.revision,
    rows: scores.length,
    allRows: data.length,
    fallbackShare: scores.length === 0 ? 0 : fallbacks / scores.length,
    unscored,
  }
}

/** The metrics of a task, which may be one's own: what is no number, such as a mean of nothing, is nothing to report. */
function finiteOrNull(metrics: Readonly<Record<string, number | null>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  )
}

/** The standard error of a mean, from the sample's standard deviation; null for fewer than two values. */
function standardError(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  const n = known.length
  if (n < 2) return null
  const center = mean(known)
  return Math.sqrt(known.reduce((sum, value) => sum + (value - center) ** 2, 0) / (n - 1) / n)
}
