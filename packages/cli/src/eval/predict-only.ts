/** A task whose answers are written down and not scored. */
import type { Task } from '@evolmm/eval'

export function predictOnly(task: Task): Task {
  return {
    ...task,
    judge: 'never',
    score: () => ({ values: {} }),
    aggregate: () => ({}),
    breakdown: undefined,
    higherIsBetter: {},
    means: [],
  }
}
