import { EvolmmError } from '@evolmm/internal'
import { expect, test } from 'vitest'
import { readSources } from '@evolmm/settings'
import { evolmmSettings } from '../src/index'

type Flags = Record<string, string | boolean>
const lora = { use_lora_solver: true, use_lora_proposer: true }

test.each<[string, Flags, string]>([
  [
    'pixel bounds that cross',
    { min_pixels: '9', max_pixels: '8' },
    '--min_pixels: must be at most --max_pixels, got 9 and 8',
  ],
  [
    'one answer with none to compare',
    { baseline: 'leave-one-out', num_solver_samples: '1' },
    '--baseline: must be ema with one answer to a question',
  ],
  [
    'one question with none to compare',
    { proposer_baseline: 'leave-one-out' },
    '--proposer_baseline: must be ema with one question in an iteration',
  ],
  [
    'a beta that cannot be adapted',
    { kl_coef: '0' },
    '--kl_coef: must be from 1e-8 to 100 to be adapted, got 0',
  ],
  [
    'a warm-up without end',
    { warmup_steps: '100' },
    '--warmup_steps: must be fewer than --total_steps, got 100 of 100',
  ],
  [
    'one revision of two models',
    { revision: 'v1', proposer_model: 'x/y' },
    '--revision: must go with one model, got "v1" for two',
  ],
  [
    'encodings that change',
    { freeze_vision: false, image_cache: '1GB' },
    '--image_cache: must go with a frozen vision tower',
  ],
  ['a rank of no adapter', { lora_r: '8' }, '--lora_r: must go with a new adapter'],
  ['an alpha of no adapter', { lora_alpha: '8' }, '--lora_alpha: must go with a new adapter'],
  ['a dropout of no adapter', { lora_dropout: '0' }, '--lora_dropout: must go with a new adapter'],
  ['targets of no adapter', { lora_targets: 'q_proj' }, '--lora_targets: must go with a new adapter'],
  [
    'a rank of an adapter that has one',
    { ...lora, solver_adapter: 'a', proposer_adapter: 'b', lora_r: '8' },
    '--lora_r: must go with a new adapter',
  ],
  [
    'four bits that would be trained',
    { use_lora_solver: true, quantize: 'int4' },
    '--quantize: must go with --use_lora_solver and --use_lora_proposer, since weights in 4 bits cannot be trained',
  ],
  [
    'a layout of no adapter',
    { adapter_layout: 'legacy' },
    '--adapter_layout: must go with --use_lora_solver or --use_lora_proposer',
  ],
  [
    'a start adapter of all weights',
    { solver_adapter: 'a' },
    '--solver_adapter: must go with --use_lora_solver',
  ],
  [
    'a start adapter of the other role',
    { use_lora_solver: true, proposer_adapter: 'a' },
    '--proposer_adapter: must go with --use_lora_proposer',
  ],
  [
    'an exponent of 0 and 1',
    { reward: 'discrete', solver_soft_gamma: '1' },
    '--solver_soft_gamma: must go with --reward continuous',
  ],
  [
    'a length penalty of 0 and 1',
    { reward: 'discrete', len_penalty_weight: '0.2' },
    '--len_penalty_weight: must go with --reward continuous',
  ],
  [
    'free words of 0 and 1',
    { reward: 'discrete', len_penalty_target_words: '9' },
    '--len_penalty_target_words: must go with --reward continuous',
  ],
  [
    'a target that nothing follows',
    { kl_control: 'fixed', kl_target: '0.1' },
    '--kl_target: must go with --kl_control adaptive',
  ],
  [
    "the solver's target that nothing follows",
    { kl_control: 'fixed', solver_kl_target: '0.1' },
    '--solver_kl_target: must go',
  ],
  [
    "the proposer's target that nothing follows",
    { kl_control: 'fixed', proposer_kl_target: '0.1' },
    '--proposer_kl_target: must go',
  ],
  [
    'a rate of nothing',
    { kl_control: 'fixed', kl_adapt_rate: '0.2' },
    '--kl_adapt_rate: must go with --kl_control adaptive',
  ],
  [
    'the rate of a frozen proposer',
    { proposer_update_freq: '0', proposer_lr: '1e-5' },
    '--proposer_lr: must go with --proposer_update_freq above 0',
  ],
  [
    'the baseline of a frozen proposer',
    { proposer_update_freq: '0', proposer_baseline: 'leave-one-out', batch_size: '4' },
    '--proposer_baseline: must go',
  ],
  [
    'the target of a frozen proposer',
    { proposer_update_freq: '0', proposer_kl_target: '0.1' },
    '--proposer_kl_target: must go',
  ],
  ['the rhythm of no probe', { probe_every: '5' }, '--probe_every: must go with --probe_data'],
  ['the size of no probe', { probe_limit: '5' }, '--probe_limit: must go with --probe_data'],
  ['samples of no probe', { probe_samples: '5' }, '--probe_samples: must go with --probe_data'],
])('what cannot be together is refused: %s', async (_, flags, message) => {
  let thrown: unknown
  try {
    await readSources(evolmmSettings, { flags })
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(EvolmmError)
  expect(thrown).toMatchObject({ code: 'INVALID_OPTION' })
  expect((thrown as EvolmmError).message).toContain(message)
  expect((thrown as EvolmmError).message).toMatch(/; \w/)
})

test('a contradiction is named by where the setting came from', async () => {
  await expect(readSources(evolmmSettings, { environment: { LORA_R: '8' } })).rejects.toThrow(
    /^LORA_R: must go with a new adapter/,
  )
  await expect(
    readSources(evolmmSettings, { file: { path: 'a.json', values: { lora_r: 8 } } }),
  ).rejects.toThrow(/^a\.json: lora_r: must go/)
})

test.each<[string, Flags]>([
  [
    'defaults that are spelled out',
    { lora_r: '16', kl_target: '0.02', kl_control: 'fixed', probe_every: '50' },
  ],
  ['answers compared one step at a time', { solver_update: 'sequential', baseline: 'leave-one-out' }],
  ['questions compared in a batch', { batch_size: '2', proposer_baseline: 'leave-one-out' }],
  ['one new adapter beside one that is there', { ...lora, solver_adapter: 'a', lora_r: '8' }],
  ['a revision of one model, named twice', { revision: 'v1', solver_model: 'x/y', proposer_model: 'x/y' }],
  ['no cache for a tower that learns', { freeze_vision: false, image_cache: '0' }],
  ['a beta of 0 that stays', { kl_control: 'fixed', kl_coef: '0' }],
])('what can be together is not refused: %s', async (_, flags) => {
  await expect(readSources(evolmmSettings, { flags })).resolves.toBeDefined()
})

test.each<[string, Flags, string[]]>([
  ['nothing unusual', {}, []],
  [
    'device_map',
    { device_map: 'auto' },
    ['device_map is accepted as by the released code, and has no effect here'],
  ],
  [
    'few checkpoints',
    { max_checkpoints: '1' },
    ['max_checkpoints 1 is raised to 2, as by the released code'],
  ],
  [
    'off policy',
    { temp: '0.7' },
    ['temp, top_p and top_k change what is sampled, not what learns: the two are no longer the same policy'],
  ],
  [
    'a proposer that never learns',
    { total_steps: '3' },
    ['the proposer learns nothing: its first update would be iteration 5 of 3'],
  ],
  [
    'one answer',
    { num_solver_samples: '1' },
    ['one answer always agrees with itself: with num_solver_samples 1 there is next to nothing to learn'],
  ],
  [
    '16 bits on a CPU',
    { device: 'cpu', dtype: 'float16' },
    ['the CPU computes in float32; dtype float16 is for a GPU'],
  ],
  [
    '8 answers',
    { num_solver_samples: '8' },
    ['prop_entropy_mu and prop_entropy_sigma are those for 5 answers; for 8 the same band is 1.16 and 0.45'],
  ],
  [
    '2 answers',
    { num_solver_samples: '2' },
    ['prop_entropy_mu 0.9 is out of reach: the entropy of 2 answers is at most 0.69 nats'],
  ],
  [
    'a band for 8 answers',
    { num_solver_samples: '8', prop_entropy_mu: '1.16', prop_entropy_sigma: '0.45' },
    [],
  ],
  [
    'two models',
    { proposer_model: 'x/y' },
    ['two backbones are loaded, since the roles have different models'],
  ],
  ['one adapter, on the backbone that both roles share', { use_lora_proposer: false }, []],
  ['no adapter, but one name for both models', { use_lora_solver: false, use_lora_proposer: false }, []],
])('what may not be expected is said: %s', async (_, flags, notes) => {
  expect((await readSources(evolmmSettings, { flags: { ...lora, ...flags } })).notes).toEqual(notes)
})

test('at least two checkpoints are kept, as by the released code', async () => {
  for (const given of ['0', '1', '2']) {
    const { settings } = await readSources(evolmmSettings, { environment: { MAX_CKPTS: given } })
    expect(settings.max_checkpoints).toBe(2)
  }
})
