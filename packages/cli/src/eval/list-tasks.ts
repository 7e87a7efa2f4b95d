/** `evolmm eval --tasks list`. */
import { taskGroups, tasks } from '@evolmm/eval'
import { painter, type Context } from '../context'

export function listTasks(context: Context, json: boolean): void {
  const { stdout } = context
  const rows = tasks.map(({ name, source, judge = 'never', higherIsBetter }) => ({
    name,
    dataset: 'dataset' in source ? source.dataset : source.file,
    judge,
    metrics: Object.keys(higherIsBetter),
  }))
  const groups = [...taskGroups].map(([name, group]) => ({
    name,
    tasks: group.map((task) => task.name),
  }))
  if (json) {
    stdout.write(`${JSON.stringify({ tasks: rows, groups })}\n`)
    return
  }
  const paint = painter(context, stdout)
  const cells = [
    ['task', 'data set', 'judge', 'metrics'],
    ...rows.map(({ name, dataset, judge, metrics }) => [name, dataset, judge, metrics.join(', ')]),
    ...groups.map(({ name, tasks: members }) => [name, '', '', `the tasks ${members.join(', ')}`]),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  for (const [i, row] of cells.entries()) {
    const line = row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
    stdout.write(`${i === 0 ? paint('bold', line) : line}\n`)
  }
}
