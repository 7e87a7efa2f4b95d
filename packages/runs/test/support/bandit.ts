/**
 * A bandit that learns which of its arms pays best, by the gradient bandit of Sutton and Barto: preferences, a softmax
 * over them, and a running mean of the rewards as the baseline. A whole method in one file.
 */
import { uniform } from '@evolmm/rl-core'
import { integer, number, schema, type SettingsOf } from '@evolmm/settings'
import { runRows, tensorOf, trackingRows, type Method, type Metric, type StepRecord } from '../../src'

export const banditSettings = schema({
  name: 'a bandit',
  groups: {
    Bandit: {
      arms: integer(4, 'arms, of which the last pays best', { min: 2, identity: true }),
      lr: number(0.3, 'learning rate', { min: 0, env: 'LR', identity: true }),
      seed: integer(42, 'seed of every draw', { min: 0, identity: true }),
    },
    Run: runRows,
    Tracking: trackingRows,
  },
})

export type Pull = StepRecord & { arm: number; reward: number; best: number }

export const banditMetrics: readonly Metric<Pull>[] = [
  {
    ...{
      name: 'reward',
      meaning: 'what the arm paid',
      status: 'reward',
      title: 'Reward',
      compared: 'Reward',
    },
    read: ({ reward }) => reward,
  },
  { name: 'best', meaning: 'probability of the best arm', title: 'Best arm', read: ({ best }) => best },
]

export const bandit: Method<Pull, (typeof banditSettings)['rows']> = {
  name: 'bandit',
  schema: banditSettings,
  metrics: banditMetrics,
  open: ({ settings, from, signal }) => {
    const { arms } = settings
    const preferences = from ? tensorOf(from, 'preferences', { length: arms }) : new Float32Array(arms)
    const state = { step: from?.step ?? 0, baseline: Number(from?.data.baseline ?? 0) }
    return Promise.resolve({
      records: play(settings, preferences, state, signal),
      state: () => ({ data: { baseline: state.baseline }, tensors: { preferences } }),
    })
  },
}

async function* play(
  { arms, lr, seed, total_steps: total }: SettingsOf<typeof banditSettings>,
  preferences: Float32Array,
  state: { step: number; baseline: number },
  signal: AbortSignal,
): AsyncGenerator<Pull> {
  while (state.step < total && !signal.aborted) {
    const step = state.step + 1
    const weights = preferences.map(Math.exp)
    const shares = weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0))
    let rest = uniform([seed, 1], [step, 0, 0, 0])
    const arm = Math.min(shares.findIndex((share) => (rest -= share) < 0) >>> 0, arms - 1)
    const reward = (arm + uniform([seed, 2], [step, 0, 0, 0])) / arms
    await Promise.resolve()
    preferences.forEach((value, i) => {
      preferences[i] = value + lr * (reward - state.baseline) * (Number(i === arm) - shares[i])
    })
    Object.assign(state, { step, baseline: state.baseline + 0.1 * (reward - state.baseline) })
    yield { step, arm, reward, best: shares[arms - 1] }
  }
}
