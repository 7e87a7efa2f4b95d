/**
 * One role's learning: `L = A CE + beta KL`, the mean over completions of their mean over tokens, then steps of AdamW and
 * of the KL controller.
 */
import type { EmaState } from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'
import type { Episode, Lesson } from './episode'
import { groupGradient, type GroupGradient } from './group-gradient'
import type { Loop } from './loop'
import { movingPolicy } from './moving-policy'
import { updateRecord, type UpdateMade, type UpdateRecord } from './record/update-fields'
import type { Role } from './role'
import { roleSeed } from './role-seed'
import { strategies, type Strategy } from './strategy'

export interface Updater {
  /**
   * Gives the lessons of these episodes their advantages and computes all that the update needs; `null` where no process
   * has a lesson. Nothing of the state has changed before `commit`, which does not wait and cannot fail.
   */
  prepare: (step: number, episodes: readonly Episode[]) => Promise<{ commit: () => UpdateRecord } | null>
}

export function updater(role: Role, loop: Loop): Updater {
  const { settings } = loop
  const state = loop.state[role]
  const strategy = strategies[role](settings)
  const move = movingPolicy(role, loop, strategy)
  state.baseline ??= strategy.advantages.initial

  return {
    async prepare(step, episodes) {
      const lessons = episodes.flatMap((episode) => episode.lessons[role] ?? [])
      const worth = await giveAdvantages(loop, strategy, lessons, state.baseline)
      if (worth === null) return null

      const epoch = strategy.batches(lessons)
      const batches = Array.from({ length: strategy.epochs }, () => epoch).flat()
      // A single step is taken on the policy itself when all else is done; several are taken aside.
      const policy = move({ step, aside: batches.length > 1 })
      const gradientOf = (batch: readonly Lesson[]) =>
        lessonsGradient(role, loop, strategy, {
          lessons: batch,
          adapter: policy.adapter,
          beta: policy.kl.coefficient,
          place: [step, policy.taken.length],
        })
      const before = { baseline: state.baseline, kl: policy.kl }
      for (const batch of batches.slice(0, -1)) policy.take(await gradientOf(batch))
      const last = await gradientOf(batches.at(-1) ?? [])

      return {
        commit: () => {
          policy.take(last)
          policy.settle()
          state.baseline = worth.baseline
          return updateRecord({
            taken: policy.taken,
            // Later epochs are on a policy that has moved on.
            firstEpoch: policy.taken.slice(0, epoch.length),
            rewards: worth.rewards,
            advantages: worth.advantages,
            before,
            after: { kl: policy.kl },
            updates: state.updates,
            learningRate: policy.learningRate,
            dropout: policy.adapter.dropout,
          })
        },
      }
    },
  }
}

interface Worth extends Pick<UpdateMade, 'rewards' | 'advantages'> {
  /** The running baseline for the next iteration. */
  baseline: EmaState | null
}

/** The rewards of all processes' lessons, and what they are worth; each of the own lessons is given its part. */
async function giveAdvantages(
  { group }: Loop,
  { advantages: estimator }: Strategy,
  lessons: readonly Lesson[],
  baseline: typeof estimator.initial,
): Promise<Worth | null> {
  const parts = await group.gather(lessons.map(({ rewards }) => rewards))
  const rewards = parts.flat()
  if (rewards.length === 0) return null
  const { advantages, state } = estimator.estimate(rewards, baseline)
  const first = parts.slice(0, group.rank).flat().length
  for (const [i, lesson] of lessons.entries()) lesson.advantages = advantages[first + i]
  return { rewards, advantages, baseline: state }
}

interface GradientOf {
  lessons: readonly Lesson[]
  adapter: Adapter
  beta: number
  /** The iteration, and the number of the optimizer step in it. */
  place: readonly [step: number, index: number]
}

/** The gradient of these lessons and those of the other processes; a process without lessons takes part. */
async function lessonsGradient(
  role: Role,
  { settings, group, [role]: model }: Loop,
  { objective }: Strategy,
  { lessons, adapter, beta, place }: GradientOf,
): Promise<GroupGradient> {
  const groups = lessons.map(({ prompt, completions, advantages }) => ({
    prompt,
    completions,
    advantages: advantages.map((advantage) => advantage ?? 0),
  }))
  const own =
    groups.length === 0
      ? null
      : await model.gradient({
          groups,
          adapter,
          beta,
          objective,
          normalization: settings.normalization,
          checkpointed: settings.gradient_checkpointing,
          seed: roleSeed(settings.seed, place[0], role, place[1]),
        })
  return groupGradient(group, own, {
    completions: groups.reduce((sum, { completions }) => sum + completions.length, 0),
    parameters: adapter.parameters.length,
  })
}
