/** All tasks by name, and lmms-eval's groups of them. A new task is a new file and a line here. */
import { checkList } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Task } from '../task'
import { ai2d } from './ai2d'
import { chartqa } from './chartqa'
import { infovqaVal } from './infovqa-val'
import { m3cot } from './m3cot'
import { mathverseTestmini } from './mathverse-testmini'
import { mathvisionTest, mathvisionTestmini } from './mathvision'
import {
  mathvistaTestminiCot,
  mathvistaTestminiFormat,
  mathvistaTestminiSolution,
} from './mathvista-testmini'
import { mmbenchEnDev } from './mmbench-en-dev'
import { mmmuVal } from './mmmu-val'
import { mmstar } from './mmstar'
import { scienceqaImg } from './scienceqa-img'

export const tasks: readonly Task[] = [
  chartqa,
  infovqaVal,
  ai2d,
  scienceqaImg,
  mmmuVal,
  mathvistaTestminiCot,
  mathvistaTestminiSolution,
  mathvistaTestminiFormat,
  mathvisionTest,
  mathvisionTestmini,
  mathverseTestmini,
  mmstar,
  mmbenchEnDev,
  m3cot,
]

export const taskGroups: ReadonlyMap<string, readonly Task[]> = new Map([
  ['mathvista_testmini', [mathvistaTestminiCot, mathvistaTestminiSolution, mathvistaTestminiFormat]],
])

/** The tasks with these names or in these groups, each once. */
export function findTasks(names: readonly string[]): Task[] {
  checkList('tasks', names)
  const found = names.flatMap((name) => {
    const group = taskGroups.get(name) ?? tasks.filter((task) => task.name === name)
    if (group.length > 0) return group
    const known = [...tasks.map((task) => task.name), ...taskGroups.keys()].join(', ')
    throw new EvolmmError(
      'TASK_UNKNOWN',
      `task ${JSON.stringify(name)}: must be one of ${known}, got another name; correct it`,
      {
        details: { name },
      },
    )
  })
  return [...new Set(found)]
}
