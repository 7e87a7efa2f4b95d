/** What the watch for signs of collapse is told of an iteration. */
import type { WatchedIteration } from '@evolmm/rl-core'
import type { ImageRecord } from './record/record'
import type { UpdateRecord } from './record/update-fields'
import { perRole, type Role } from './role'

export function watched(
  images: readonly ImageRecord[],
  updates: Readonly<Record<Role, UpdateRecord | null>>,
): WatchedIteration {
  const answered = images.filter(({ answers }) => answers.length > 0)
  return {
    questions: answered.map(({ question, majority, questionLogProbability: logProbability }) => ({
      text: (question ?? '').toLowerCase(),
      majority,
      logProbability,
    })),
    entropies: answered.map(({ entropy }) => entropy),
    rewards: answered.flatMap(({ answers }) => answers.map(({ reward }) => reward)),
    count: images.length,
    kl: perRole((role) => updates[role]?.kl ?? null),
  }
}
