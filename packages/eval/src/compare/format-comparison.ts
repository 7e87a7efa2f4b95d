/** A comparison as a table for a terminal or a Markdown file. */
import { checkList, checkNames, checkObject } from '@evolmm/internal'
import { formatTable } from '../format-table'
import type { ComparedMetric } from './compare-runs'

export interface FormatComparisonOptions {
  /** What the two runs are called. @default ['first', 'second'] */
  names?: readonly [string, string] | undefined
}

export function formatComparison(
  compared: readonly ComparedMetric[],
  options: FormatComparisonOptions = {},
): string {
  checkNames('formatComparison', options, { names: true })
  checkList('compared', compared)
  for (const one of compared) checkObject('compared', one)
  const { names = ['first', 'second'] } = options
  const header = [
    'task',
    'metric',
    'rows',
    ...names,
    'difference',
    '95 % interval',
    'better/worse',
    'sign test',
  ]
  const rows = compared.map((one) => [
    one.task,
    one.metric,
    one.unpaired > 0 ? `${one.rows} (${one.unpaired} unpaired)` : String(one.rows),
    number(one.first),
    number(one.second),
    signed(one.difference),
    one.low === null || one.high === null ? '-' : `${signed(one.low)} to ${signed(one.high)}`,
    `${one.wins}/${one.losses}`,
    one.signTest < 0.0001 ? 'p < 0.0001' : `p = ${one.signTest.toFixed(4)}`,
  ])
  const table = formatTable(header, rows, [2, 3, 4, 5, 6, 7, 8])
  const notes = new Set(
    compared.flatMap(({ task, unlike }) => unlike.map((what) => `Not alike in ${task}: ${what}.\n`)),
  )
  return `${table}\nIntervals: normal, of the mean of paired differences. Sign test: exact, two-sided.\n${[...notes].join('')}`
}

function number(value: number): string {
  return value.toFixed(4)
}

function signed(value: number): string {
  return value < 0 ? number(value) : `+${number(value)}`
}
