/**
 * One role's learning: `L = A CE + beta KL`, the mean over completions of their mean over tokens, then one AdamW step and
 * one of the KL controller.
 */
import {
  AdamW,
  adaptiveKl,
  emaBaseline,
  fixedKl,
  learningRate,
  leaveOneOut,
  type AdvantageEstimator,
  type Advantages,
  type EmaState,
} from '@evolmm/rl-core'
import type { Completion, Gradient, Prompt } from '@evolmm/vlm'
import type { EvolveOptions } from './options'
import type { UpdateRecord } from './record'
import { roleSeed, type Role } from './role-seed'

export interface Lesson {
  prompt: Prompt
  completions: readonly Completion[]
  /** `null` for what was not scored. */
  rewards: readonly (number | null)[]
}

export interface Learner {
  /** Gradients of a role's lessons, nothing changed yet; `commit` takes the step and cannot fail halfway. */
  study: (
    lessons: readonly Lesson[],
    step: number,
  ) => Promise<{
    /** For each lesson, for each completion. */
    advantages: Advantages
    commit: () => UpdateRecord
  }>
}

export function learner(role: Role, options: EvolveOptions): Learner {
  const { seed = 42, totalSteps = 100, solverUpdate = 'group', optimizer: settings = {}, kl = {} } = options
  const state = options.state[role]
  const { adapter } = state
  const model = options[role]
  const sequential = role === 'solver' && solverUpdate === 'sequential'
  const lr = (role === 'proposer' ? settings.proposerLr : undefined) ?? settings.lr ?? 1e-6
  const schedule = learningRate({
    schedule: settings.scheduler ?? 'constant',
    base: lr,
    warmupSteps: settings.warmupSteps ?? 0,
    totalSteps,
  })
  const open = (from: typeof state.optimizer) =>
    new AdamW({
      size: adapter.parameters.length,
      weightDecay: settings.weightDecay ?? 0.01,
      clip: settings.gradClip ?? 1,
      ...(from !== null && { state: from }),
    })
  let optimizer = open(state.optimizer)
  state.optimizer = optimizer.state

  const kind = (role === 'solver' ? options.baseline : options.proposerBaseline) ?? 'ema'
  const estimator: AdvantageEstimator<EmaState | null> =
    kind === 'leave-one-out'
      ? leaveOneOut()
      : emaBaseline({ start: 'first', order: sequential ? 'sample' : 'group' })
  state.baseline ??= estimator.initial
  const coefficient = kl.coefficient ?? 1e-3
  const controller =
    kl.control === 'fixed'
      ? fixedKl({ coefficient })
      : adaptiveKl({
          coefficient,
          target: (role === 'solver' ? kl.solverTarget : kl.proposerTarget) ?? 0.02,
          rate: kl.rate ?? 0.1,
        })
  state.kl ??= controller.initial

  const gradientOf = (
    lessons: readonly Lesson[],
    advantages: Advantages,
    { step, beta, index }: { step: number; beta: number; index: number },
  ): Promise<Gradient> =>
    model.gradient({
      groups: lessons.map(({ prompt, completions }, g) => ({
        prompt,
        completions,
        advantages: advantages[g].map((advantage) => advantage ?? 0),
      })),
      adapter,
      beta,
      normalization: options.normalization,
      checkpointed: options.gradientCheckpointing,
      seed: roleSeed(seed, step, role, index),
    })

  /** A step of the optimizer and of the KL controller. */
  const take = (gradient: Gradient, rate: number) => {
    const report = optimizer.step(adapter.parameters, gradient.gradient, { lr: rate })
    state.optimizer = optimizer.state
    state.updates++
    state.kl = controller.update(gradient.kl, state.kl ?? controller.initial)
    return { gradient, norm: report.gradientNorm, skipped: report.skipped === null ? 0 : 1 }
  }

  return {
    async study(lessons, step) {
      // Those of the proposer are one group: it writes once about each image.
      const rewards = lessons.map((lesson) => lesson.rewards)
      const before = state.baseline
      const estimated = estimator.estimate(role === 'proposer' ? [rewards.flat()] : rewards, before)
      const advantages =
        role === 'proposer' ? estimated.advantages[0].map((each) => [each]) : estimated.advantages
      const rate = schedule(step - 1)
      const beta = state.kl?.coefficient ?? coefficient
      const record = (taken: readonly ReturnType<typeof take>[]): UpdateRecord => {
        state.baseline = estimated.state
        const means = (of: (gradient: Gradient) => number | undefined) =>
          finiteMean(taken.map(({ gradient }) => of(gradient)))
        return {
          updates: state.updates,
          completions: rewards.flat().length,
          ce: means(({ nll }) => nll),
          kl: beta > 0 ? means((gradient) => gradient.kl) : null,
          beta,
          nextBeta: state.kl?.coefficient ?? beta,
          entropy: means(({ entropy }) => entropy),
          baseline: before?.baseline ?? null,
          ...spread(rewards.flat()),
          advantageMean: finiteMean(advantages.flat()),
          gradientNorm: finiteMean(taken.map(({ norm }) => norm)),
          skippedSteps: taken.reduce((sum, { skipped }) => sum + skipped, 0),
          learningRate: rate,
          // With dropout the two differ by design.
          samplerGap:
            adapter.dropout > 0 ? null : finiteMax(taken.map(({ gradient }) => gradient.samplerGap)),
        }
      }

      if (!sequential) {
        const gradient = await gradientOf(lessons, advantages, { step, beta, index: 0 })
        return { advantages, commit: () => record([take(gradient, rate)]) }
      }
      // One step after the other, on a policy that has moved on: should one fail, all are taken back.
      const saved = {
        parameters: adapter.parameters.slice(),
        optimizer: structuredClone(optimizer.state),
        kl: state.kl,
      }
      const { updates } = state
      const taken: ReturnType<typeof take>[] = []
      try {
        for (const [g, lesson] of lessons.entries())
          for (const [c, completion] of lesson.completions.entries()) {
            const one = { ...lesson, completions: [completion] }
            const place = { step, beta: state.kl?.coefficient ?? beta, index: taken.length }
            taken.push(take(await gradientOf([one], [[advantages[g][c]]], place), rate))
          }
      } catch (error) {
        adapter.parameters.set(saved.parameters)
        optimizer = open(saved.optimizer)
        Object.assign(state, { optimizer: optimizer.state, kl: saved.kl, updates })
        throw error
      }
      return { advantages, commit: () => record(taken) }
    },
  }
}

function finiteMean(values: readonly (number | null | undefined)[]): number | null {
  const finite = values.filter((value) => typeof value === 'number' && Number.isFinite(value)) as number[]
  return finite.length === 0 ? null : finite.reduce((sum, value) => sum + value, 0) / finite.length
}

function finiteMax(values: readonly (number | undefined)[]): number | null {
  const finite = values.filter((value) => value !== undefined)
  return finite.length === 0 ? null : Math.max(...finite)
}

function spread(rewards: readonly (number | null)[]) {
  const rewardMean = finiteMean(rewards)
  const variance = finiteMean(
    rewards.map((reward) => (reward === null ? null : (reward - (rewardMean ?? 0)) ** 2)),
  )
  return { rewardMean, rewardStd: variance === null ? null : Math.sqrt(variance) }
}
