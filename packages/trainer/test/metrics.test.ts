import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { metricsOf as numbersOf } from '@evolmm/runs'
import { evolmm, type IterationRecord } from '../src'
import { anyRecords, record } from './support/records'

const metricsOf = (each: IterationRecord) => numbersOf(evolmm.metrics, each)

test('the numbers of an iteration by the names of the released code', () => {
  expect(metricsOf(record(5))).toMatchObject({
    'train/step': 5,
    'train/num_solver_samples': 5,
    'train/maj_count': 3,
    'train/maj_frac': 0.6,
    'train/solver_reward_mean_raw': 0.6,
    'train/solver_reward_mean_soft': expect.closeTo(0.45, 12) as number,
    'train/proposer_reward_gauss': 0.875,
    'train/solver_baseline': 0.5,
    'train/proposer_baseline': 0.5,
    'train/entropy_nats': 0.9502705392332347,
    'train/pre_words_mean': 2.4,
    'solver/ce_loss_mean': 1.25,
    'solver/kl_loss_mean': 0.015625,
    'solver/advantage_mean': -0.25,
    'solver/kl_coef': 0.001,
    'proposer/ce_loss': 1.25,
    'proposer/kl_loss': 0.015625,
    'proposer/advantage': -0.375,
    'proposer/kl_coef': 0.001,
    'kl/solver_beta': 0.00109375,
    'kl/proposer_beta': 0.00109375,
  })
})

test('the same by the names of TRL', () => {
  expect(metricsOf(record(5))).toMatchObject({
    reward: expect.closeTo(0.45, 12) as number,
    // Of 0.75, 0.75, 0, 0, 0.75 with N - 1: sqrt((3 * 0.3 ** 2 + 2 * 0.45 ** 2) / 4).
    reward_std: expect.closeTo(0.4107919181288746, 12) as number,
    frac_reward_zero_std: 0,
    'rewards/solver_continuous/mean': expect.closeTo(0.45, 12) as number,
    'rewards/solver_continuous/std': expect.closeTo(0.4107919181288746, 12) as number,
    'rewards/solver_discrete/mean': 0.6,
    'rewards/proposer_continuous/mean': 0.875,
    'rewards/proposer_discrete/mean': 0,
    kl: 0.015625,
    entropy: 0.5,
    'completions/mean_length': 6,
    'completions/min_length': 4,
    'completions/max_length': 8,
    'completions/clipped_ratio': 0.2,
    num_tokens: 41,
    grad_norm: 2,
    learning_rate: 1e-6,
    epoch: 0,
  })
})

test('groups of equal rewards are counted', () => {
  const each = record(1, { images: 4 })
  for (const answer of each.images[1]?.answers ?? []) answer.reward = 0.5
  expect(metricsOf(each).frac_reward_zero_std).toBe(0.25)
})

test('what was not measured is left out', () => {
  const each = record(1)
  expect(Object.keys(metricsOf(each)).filter((name) => name.startsWith('proposer/'))).toEqual([])
  each.images = each.images.map((image) => ({
    ...image,
    answers: [],
    histogram: [],
    entropy: null,
    rejected: 'malformed',
    questionLogProbability: null,
    proposerRewards: { continuous: null, discrete: null },
  }))
  each.solver = null
  expect(metricsOf(each)).toEqual({
    'train/step': 1,
    'train/global_step': 1,
    epoch: 0,
    'questions/rejected_frac': 1,
    'questions/asked_frac': 0,
    'questions/fault_frac': 0,
    'questions/mean_length': 11,
    num_tokens: 11,
    'watch/alarms': 0,
    'seconds/total': 2.5,
    'seconds/encode': 0.25,
    'seconds/propose': 0.5,
    'seconds/solve': 0.75,
    'seconds/learn': 1,
    'seconds/probe': 0,
  })
})

test('the probe, the watch and the times are there', () => {
  const each = { ...record(9), probe: { chartqa: 0.5 } }
  expect(metricsOf(each)).toMatchObject({
    'eval/chartqa': 0.5,
    'watch/top_answer_share': 0.75,
    'seconds/learn': 1,
  })
})

sizedTest(
  'no name stands twice in the table, and any record has numbers only',
  { records: [50, 100, 5000] },
  ({ count, seed }) => {
    const names = evolmm.metrics.flatMap(({ name, aliases = [] }) => [name, ...aliases])
    expect(new Set(names).size).toBe(names.length)
    fc.assert(
      fc.property(anyRecords, (records) => {
        for (const each of records)
          for (const [name, value] of Object.entries(metricsOf(each)))
            expect([name, typeof value]).toEqual([name, 'number'])
      }),
      { seed, numRuns: count },
    )
  },
)
