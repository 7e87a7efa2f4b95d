/** `--tasks`: names of benchmarks and groups, and JSON-lines files of one's own. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { findTasks, folderTask, type FolderScorer, type OpenDataOptions, type Task } from '@evolmm/eval'

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
  return [...new Set(chosen)]
}

/**
 * Where in a folder with copies of data sets that of a task is: under `OWNER/NAME`, `NAME` or the name of the task, or
 * else the folder itself.
 */
export function dataFolder(folder: string, { name, source }: Task): OpenDataOptions {
  if (!('dataset' in source)) return {}
  const [, repository = ''] = source.dataset.split('/')
  const places = [source.dataset, repository, name].map((part) => join(folder, part))
  const found = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isDirectory() === true)
  return { folder: found ?? folder }
}
