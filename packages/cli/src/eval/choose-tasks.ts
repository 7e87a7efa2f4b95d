/** `--tasks`: names of benchmarks, groups and tasks of one's own, and JSON-lines files. */
import { EvolmmError } from '@evolmm/internal'
import { findTasks, folderTask, type FolderScorer, type Task } from '@evolmm/eval'

/** `included` are tasks of one's own beside those that there are. */
export function chooseTasks(names: string, scorer: FolderScorer, included: readonly Task[] = []): Task[] {
  const list = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (list.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      '--tasks: must name at least one task, got none; see evolmm eval --tasks list',
    )
  const own = new Map(included.map((task) => [task.name, task]))
  const chosen = list.flatMap((name) =>
    name.endsWith('.jsonl') ? [folderTask({ file: name, scorer })] : (own.get(name) ?? findTasks([name])),
  )
  const tasks = [...new Set(chosen)]
  const twice = tasks.find(({ name }, i) => tasks.findIndex((other) => other.name === name) < i)
  if (twice === undefined) return tasks
  throw new EvolmmError(
    'INVALID_OPTION',
    `--tasks: must have different names, got ${JSON.stringify(twice.name)} twice; rename a file`,
  )
}
