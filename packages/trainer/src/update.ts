/**
 * One role's learning: `L = A CE + beta KL`, the mean over completions of their mean over tokens, then steps of AdamW and
 * of the KL controller.
 */
import { AdamW, adaptiveKl, fixedKl, learningRate, type AdamWState, type KlController } from '@evolmm/rl-core'
import type { Adapter } from '@evolmm/vlm'
import type { Episode, Lesson } from './episode'
import { groupGradient, type GroupGradient } from './group-gradient'
import type { Loop } from './loop'
import type { UpdateRecord } from './record'
import type { Role } from './role'
import { roleSeed } from './role-seed'
import { strategies, type Strategy } from './strategy'
import { largestGap, summary, type StepTaken, type Worth } from './update-summary'

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
  const { adapter } = state
  const strategy = strategies[role](settings)
  const controller = klController(loop, strategy)
  const rateAt = learningRate({
    schedule: settings.lr_scheduler,
    base: strategy.learningRate,
    warmupSteps: settings.warmup_steps,
    totalSteps: settings.total_steps,
  })
  const open = (from: AdamWState | null) =>
    new AdamW({
      size: adapter.parameters.length,
      weightDecay: settings.weight_decay,
      clip: settings.grad_clip,
      ...(from !== null && { state: from }),
    })
  let optimizer = open(state.optimizer)
  state.optimizer = optimizer.state
  state.baseline ??= strategy.advantages.initial
  state.kl ??= controller.initial

  return {
    async prepare(step, episodes) {
      const lessons = episodes.flatMap((episode) => episode.lessons[role] ?? [])
      const before = { baseline: state.baseline, kl: state.kl ?? controller.initial }
      const worth = await giveAdvantages(loop, strategy, lessons, before.baseline)
      if (worth === null) return null

      const epoch = strategy.batches(lessons)
      const batches = Array.from({ length: strategy.epochs }, () => epoch).flat()
      // A single step is taken on the policy itself when all else is done; several are taken aside.
      const aside = batches.length > 1
      const moved = {
        adapter: aside ? { ...adapter, parameters: adapter.parameters.slice() } : adapter,
        optimizer: aside ? open(optimizer.state) : optimizer,
        kl: before.kl,
      }
      const lr = rateAt(step - 1)
      const taken: StepTaken[] = []
      const take = ({ gradient, ...means }: GroupGradient) => {
        const report = moved.optimizer.step(moved.adapter.parameters, gradient, { lr })
        moved.kl = controller.update(means.kl, moved.kl)
        taken.push({ ...means, gradientNorm: report.gradientNorm, skipped: report.skipped !== null })
      }
      const gradientOf = (batch: readonly Lesson[]) =>
        lessonsGradient(role, loop, strategy, {
          lessons: batch,
          adapter: moved.adapter,
          beta: moved.kl.coefficient,
          place: [step, taken.length],
        })
      for (const batch of batches.slice(0, -1)) take(await gradientOf(batch))
      const last = await gradientOf(batches.at(-1) ?? [])

      return {
        commit: () => {
          take(last)
          if (aside) adapter.parameters.set(moved.adapter.parameters)
          optimizer = moved.optimizer
          state.optimizer = optimizer.state
          state.baseline = worth.baseline
          state.kl = moved.kl
          state.updates += taken.length
          const beta = before.kl.coefficient
          return {
            ...summary(taken, worth),
            updates: state.updates,
            ...(beta === 0 && { kl: null }),
            beta,
            nextBeta: moved.kl.coefficient,
            baseline: before.baseline?.baseline ?? null,
            learningRate: lr,
            // With dropout the two differ by design; later epochs are on a policy that has moved on.
            samplerGap: adapter.dropout > 0 ? null : largestGap(taken.slice(0, epoch.length)),
          }
        },
      }
    },
  }
}

function klController({ settings }: Loop, { klTarget }: Strategy): KlController {
  const { kl_control: control, kl_coef: coefficient, kl_adapt_rate: rate } = settings
  return control === 'fixed' ? fixedKl({ coefficient }) : adaptiveKl({ coefficient, target: klTarget, rate })
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

interface Asked {
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
  { lessons, adapter, beta, place }: Asked,
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
