/** `--tasks`: names of benchmarks, groups and tasks of one's own, and files of questions. */
import { findTasks, fileTask, taskGroups, tasks, type Task } from '@evolmm/eval'
import type { ScorerName } from '@evolmm/rewards'
import { closest } from '@evolmm/settings'
import { EvolmmError } from '../errors'

/** `included` are tasks of one's own beside those that there are. */
export function chooseTasks(names: string, scorer: ScorerName, included: readonly Task[] = []): Task[] {
  const list = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (list.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      'tasks: must name at least one task, got none; see evolmm eval --tasks list',
      { details: { option: 'tasks' } },
    )
  const own = new Map(included.map((task) => [task.name, task]))
  const chosen = list.flatMap((name) =>
    /\.(jsonl|parquet)$/.test(name)
      ? [fileTask({ file: name, scorer })]
      : (own.get(name) ?? known(name, [...own.keys()])),
  )
  const distinct = [...new Set(chosen)]
  const twice = distinct.find(({ name }, i) => distinct.findIndex((other) => other.name === name) < i)
  if (twice === undefined) return distinct
  throw new EvolmmError(
    'INVALID_OPTION',
    `tasks: must have different names, got ${JSON.stringify(twice.name)} twice; rename a file`,
    { details: { option: 'tasks' } },
  )
}

/** `included` are names that would have been taken too. */
function known(name: string, included: readonly string[]): readonly Task[] {
  try {
    return findTasks([name])
  } catch (error) {
    if (!(error instanceof EvolmmError) || error.code !== 'TASK_UNKNOWN') throw error
    const near = closest(name, [...tasks.map((task) => task.name), ...taskGroups.keys(), ...included])
    throw new EvolmmError(
      error.code,
      `tasks: must name tasks, groups, .jsonl or .parquet files, got ${JSON.stringify(name)}; ` +
        (near === undefined ? 'see evolmm eval --tasks list' : `did you mean ${near}?`),
      { details: { ...error.details, option: 'tasks' }, cause: error },
    )
  }
}
