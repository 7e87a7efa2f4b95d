/** The parts that strategies are put together from, a row each: the choices of the settings are their names. */
import { emaBaseline, leaveOneOut, type AdvantageEstimator, type EmaState } from '@evolmm/rl-core'
import type { Lesson } from './episode'

export type Estimator = AdvantageEstimator<EmaState | null>

type Order = 'group' | 'sample'

/** Advantages, whose running baselines go on with each group or with each sample. */
export const advantages = {
  ema: (order: Order) => emaBaseline({ start: 'first', order }),
  'leave-one-out': leaveOneOut,
} satisfies Record<string, (order: Order) => Estimator>

export const advantageNames = Object.keys(advantages) as (keyof typeof advantages)[]

interface Updates {
  order: Order
  /** The lessons of each optimizer step of an epoch. */
  batches: (lessons: readonly Lesson[]) => (readonly Lesson[])[]
}

/** One optimizer step on the whole group, or one on each completion after the other, as released. */
export const updates = {
  group: { order: 'group', batches: (lessons) => [lessons] },
  sequential: { order: 'sample', batches: (lessons) => lessons.flatMap(apart).map((lesson) => [lesson]) },
} satisfies Record<string, Updates>

export const updateNames = Object.keys(updates) as (keyof typeof updates)[]

/** A lesson for each completion. */
function apart(lesson: Lesson): Lesson[] {
  return lesson.completions.map((completion, c) => ({
    ...lesson,
    completions: [completion],
    rewards: [lesson.rewards[c]],
    advantages: [lesson.advantages[c]],
  }))
}
