/** An evaluation as a table for a terminal or a Markdown file. */
import { checkList, checkObject } from '@evolmm/internal'
import type { Evaluation, TaskResult } from './summarize'
import { formatTable } from '../format-table'

export function formatEvaluation(evaluation: Pick<Evaluation, 'model' | 'tasks'>): string {
  checkObject('evaluation', evaluation)
  const { model, tasks } = evaluation
  checkList('tasks', tasks)
  const header = ['task', 'metric', 'value', 'stderr', 'rows', 'fallback', 'mode', 'judge', 'revision']
  const rows = tasks.flatMap((result) =>
    metricsOf(result).map(([metric, value]) => [
      result.task,
      metric,
      formatNumber(value),
      formatNumber(result.stderr[metric] ?? null),
      rowCount(result),
      `${(100 * result.fallbackShare).toFixed(1)} %`,
      result.mode,
      result.judge ?? 'none',
      result.revision.slice(0, 14),
    ]),
  )
  return `${model}\n\n${formatTable(header, rows, [2, 3, 4, 5])}`
}

/** A task that reports nothing shows what is known nevertheless. */
function metricsOf({ metrics }: TaskResult): [string, number | null][] {
  const entries = Object.entries(metrics)
  return entries.length > 0 ? entries : [['-', null]]
}

function rowCount({ rows, allRows, unscored }: TaskResult): string {
  const counted = rows === allRows ? String(rows) : `${rows} of ${allRows}`
  return unscored > 0 ? `${counted}, ${unscored} unscored` : counted
}

function formatNumber(value: number | null): string {
  return value === null ? '-' : String(Number(value.toFixed(4)))
}

/** The same by properties of the rows: MathVista's kinds of task, MMMU's domains. Empty where no task has any. */
export function formatBreakdown(evaluation: Pick<Evaluation, 'tasks'>): string {
  checkObject('evaluation', evaluation)
  const { tasks } = evaluation
  checkList('tasks', tasks)
  const rows = tasks.flatMap(({ task, breakdown }) =>
    Object.entries(breakdown).flatMap(([property, groups]) =>
      Object.entries(groups).map(([value, { correct, total, accuracy }]) => [
        ...[task, property, value, formatNumber(accuracy), `${correct}/${total}`],
      ]),
    ),
  )
  return rows.length === 0
    ? ''
    : formatTable(['task', 'property', 'value', 'accuracy', 'right'], rows, [3, 4])
}
