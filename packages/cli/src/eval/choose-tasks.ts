/** `--tasks`: names of benchmarks and groups, and JSON-lines files of one's own. */
import { EvolmmError } from '@evolmm/internal'
import { findTasks, folderTask, type FolderScorer, type Task } from '@evolmm/eval'

export const scorers: readonly FolderScorer[] = ['exact', 'relaxed', 'anls', 'math', 'choice']

export function chooseTasks(names: string, scorer: FolderScorer): Task[] {
  const list = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (list.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      '--tasks: must name at least one task, got none; see evolmm eval --tasks list',
    )
  const chosen = list.flatMap((name) =>
    name.endsWith('.jsonl') ? [folderTask({ file: name, scorer })] : findTasks([name]),
  )
  const tasks = [...new Set(chosen)]
  const twice = tasks.find(({ name }, i) => tasks.findIndex((other) => other.name === name) < i)
  if (twice === undefined) return tasks
  throw new EvolmmError(
    'INVALID_OPTION',
    `--tasks: must have different names, got ${JSON.stringify(twice.name)} twice; rename a file`,
  )
}
