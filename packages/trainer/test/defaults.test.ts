import { readFileSync } from 'node:fs'
import { defaultSeed } from '@evolmm/dataset'
import {
  continuousProposerReward,
  continuousSolverReward,
  entropyBandDefaults,
  solverRewardDefaults,
  untaggedAnswers,
} from '@evolmm/rewards'
import { AdamW, adamWDefaults, adaptiveKl, adaptiveKlDefaults, watchDefaults } from '@evolmm/rl-core'
import { namesDefault } from '@evolmm/internal/testing'
import { loraDefaults, samplingDefaults } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { evolmmSettings } from '../src/index'

const { rows } = evolmmSettings
const source = readFileSync(new URL('../src/settings/rows.ts', import.meta.url), 'utf8')

/** Settings whose default a library has too, for who uses it alone. */
const shared = {
  lr: adamWDefaults.lr,
  weight_decay: adamWDefaults.weightDecay,
  grad_clip: adamWDefaults.clip,
  kl_coef: adaptiveKlDefaults.coefficient,
  kl_target: adaptiveKlDefaults.target,
  kl_adapt_rate: adaptiveKlDefaults.rate,
  collapse_window: watchDefaults.window,
  collapse_entropy_floor: watchDefaults.entropyFloor,
  collapse_patience: watchDefaults.patience,
  collapse_kl: watchDefaults.kl,
  solver_soft_gamma: solverRewardDefaults.gamma,
  len_penalty_weight: solverRewardDefaults.lengthPenalty,
  len_penalty_target_words: solverRewardDefaults.targetWords,
  prop_entropy_mu: entropyBandDefaults.nats.mu,
  prop_entropy_sigma: entropyBandDefaults.nats.sigma,
  seed: defaultSeed,
  lora_r: loraDefaults.rank,
  lora_alpha: loraDefaults.alpha,
  max_new_tokens_solver: samplingDefaults.maxNewTokens,
  max_new_tokens_proposer: samplingDefaults.maxNewTokens,
  untagged_answers: untaggedAnswers[0],
} as const

test.each(Object.entries(shared))(
  'the default of %s is that of the library, and not written again',
  (name, value) => {
    expect(rows[name as keyof typeof shared].default).toBe(value)
    expect(namesDefault(source, name)).toBe(true)
  },
)

/** One step from 1 with gradient 2, which is clipped. */
function stepped(options: Partial<ConstructorParameters<typeof AdamW>[0]>): number {
  const parameters = Float32Array.of(1)
  new AdamW({ size: 1, ...options }).step(parameters, Float32Array.of(2))
  return parameters[0]
}

test('a library that is used alone does what the settings say', () => {
  const { lr, weight_decay: decay, grad_clip: clip } = rows
  expect(stepped({})).toBe(
    stepped({ lr: Number(lr.default), weightDecay: Number(decay.default), clip: Number(clip.default) }),
  )
  const alone = adaptiveKl()
  const set = adaptiveKl({
    coefficient: Number(rows.kl_coef.default),
    target: Number(rows.kl_target.default),
    rate: Number(rows.kl_adapt_rate.default),
  })
  expect(alone.update(0.05, alone.initial)).toEqual(set.update(0.05, set.initial))
  const answers = ['a', 'a', 'b', 'c', 'c'].map((answer) => ({ answer, words: 9, wellFormed: true }))
  const solver = {
    gamma: Number(rows.solver_soft_gamma.default),
    lengthPenalty: Number(rows.len_penalty_weight.default),
    targetWords: Number(rows.len_penalty_target_words.default),
  }
  expect(continuousSolverReward()(answers)).toEqual(continuousSolverReward(solver)(answers))
  const questions = [{ question: 'q', rationale: null, faults: [], answers: ['a', 'a', 'b', 'c', 'c'] }]
  const band = { mu: Number(rows.prop_entropy_mu.default), sigma: Number(rows.prop_entropy_sigma.default) }
  expect(continuousProposerReward()(questions)).toEqual(continuousProposerReward(band)(questions))
})
