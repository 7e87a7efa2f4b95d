/** Diagnoses as a table for a terminal or a Markdown file: of the groups the largest. */
import { checkObject } from '@evolmm/internal'
import { formatTable } from '../format-table'
import type { Diagnosis } from './diagnose'

/** `diagnoses` are by the name of the task, or of what was asked. */
export function formatDiagnosis(diagnoses: Readonly<Record<string, Diagnosis>>): string {
  checkObject('diagnoses', diagnoses)
  const all = Object.entries(diagnoses)
  const sizes = new Set(all.map(([, { groups }]) => groups.at(-1)?.k ?? 0))
  const k = sizes.size === 1 ? `@${[...sizes][0]}` : '@k'
  const header = [
    ...['questions', 'known', 'greedy', `pass${k}`, '- greedy', `majority${k}`, 'agreement'],
    ...['its error', 'its AUC', 'blind', 'gap', '95 % interval', 'same blind'],
  ]
  const rows = all.map(([name, { groups, calibration, blind, ...one }]) => {
    const group = groups.at(-1)
    const { low = null, high = null, difference = null } = blind?.gap ?? {}
    return [
      name,
      ...[String(one.questions), String(one.known), number(one.greedy)],
      ...[group?.pass, group?.passMinusGreedy, group?.majority, one.agreement].map(number),
      ...[calibration?.error, calibration?.auc, blind?.accuracy, difference].map(number),
      low === null || high === null ? '-' : `${number(low)} to ${number(high)}`,
      number(blind?.sameAnswer),
    ]
  })
  return formatTable(
    ['task', ...header],
    rows,
    header.map((_, i) => i + 1),
  )
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(4)
}
