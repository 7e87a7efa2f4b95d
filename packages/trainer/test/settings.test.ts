import {
  describe as describeSettings,
  identityOf,
  readSources,
  resolve,
  storedIdentity,
  type Name,
  type SourcesInput,
} from '@evolmm/settings'
import { expect, expectTypeOf, test } from 'vitest'
import {
  evolmmSettings,
  type EvolmmGiven,
  type EvolmmSettings,
  type Normalizer,
  type SolverReward,
} from '../src/index'
import type { SolverRewardName } from '../src/reward-rules'

const readFrom = (input: SourcesInput) => readSources(evolmmSettings, input)

/**
 * Flags, variables and defaults of the released `train.py` at de5b0f8, written down from its argument parser, and not
 * from our table. `null` is "none"; a third value is one to set.
 */
const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const released: [flag: string, variable: string, value: unknown, given: string, read: unknown][] = [
  ['data_dir', 'DATA_DIR', 'images/train', 'charts', 'charts'],
  ['include_subfolders', 'INCLUDE_SUBFOLDERS', null, 'a, b,c', ['a', 'b', 'c']],
  ['solver_model', 'SOLVER_MODEL', 'Qwen/Qwen2.5-VL-3B-Instruct', 'x/y', 'x/y'],
  ['proposer_model', 'PROPOSER_MODEL', 'Qwen/Qwen2.5-VL-3B-Instruct', 'x/y', 'x/y'],
  ['device', 'DEVICE', 'auto', 'cpu', 'cpu'],
  ['dtype', 'DTYPE', 'bfloat16', 'float32', 'float32'],
  ['device_map', 'DEVICE_MAP', 'auto', 'balanced', 'balanced'],
  ['total_steps', 'TOTAL_STEPS', 100, '16180', 16180],
  ['proposer_update_freq', 'PROP_FREQ', 5, '2', 2],
  ['num_solver_samples', 'N_SAMPLES', 5, '8', 8],
  ['lr', 'LR', 1e-6, '5e-6', 5e-6],
  ['weight_decay', 'WEIGHT_DECAY', 0.01, '0', 0],
  ['grad_clip', 'GRAD_CLIP', 1, '.5', 0.5],
  ['temp', 'TEMP', 1, '0.7', 0.7],
  ['top_p', 'TOP_P', 1, '0.9', 0.9],
  ['max_new_tokens_solver', 'MAX_NEW_TOKENS_SOLVER', 128, '256', 256],
  ['max_new_tokens_proposer', 'MAX_NEW_TOKENS_PROPOSER', 128, '64', 64],
  ['freeze_vision', 'FREEZE_VISION', true, '0', false],
  ['len_penalty_weight', 'LEN_PENALTY_WEIGHT', 0.1, '0.2', 0.2],
  ['len_penalty_target_words', 'LEN_PENALTY_TARGET_WORDS', 6, '10', 10],
  ['solver_soft_gamma', 'SOLVER_SOFT_GAMMA', 0.7, '1', 1],
  ['prop_entropy_mu', 'PROP_ENTROPY_MU', 0.9, '0.8', 0.8],
  ['prop_entropy_sigma', 'PROP_ENTROPY_SIGMA', 0.35, '0.3', 0.3],
  ['kl_target', 'KL_TARGET', 0.02, '0.05', 0.05],
  ['kl_adapt_rate', 'KL_ADAPT_RATE', 0.1, '0.2', 0.2],
  ['kl_coef', 'KL_COEF', 1e-3, '1e-2', 1e-2],
  ['seed', 'SEED', 42, '7', 7],
  ['output_dir', 'OUTPUT_DIR', 'runs', 'out', 'out'],
  ['save_every', 'SAVE_EVERY', 50, '0', 0],
  ['max_checkpoints', 'MAX_CKPTS', 2, '5', 5],
  ['use_lora_solver', 'USE_LORA_SOLVER', false, '1', true],
  ['use_lora_proposer', 'USE_LORA_PROPOSER', false, '1', true],
  ['lora_r', 'LORA_R', 16, '8', 8],
  ['lora_alpha', 'LORA_ALPHA', 32, '16', 16],
  ['lora_dropout', 'LORA_DROPOUT', 0.05, '0', 0],
  ['lora_targets', 'LORA_TARGETS', [...projections, 'mm_projector'], 'q_proj,v_proj', ['q_proj', 'v_proj']],
  ['wandb_mode', 'WANDB_MODE', 'disabled', 'online', 'online'],
  ['wandb_project', 'WANDB_PROJECT', 'sqlm', 'mine', 'mine'],
  ['wandb_entity', 'WANDB_ENTITY', null, 'us', 'us'],
  ['wandb_run_name', 'WANDB_RUN_NAME', null, 'first', 'first'],
  ['wandb_log_images_every', 'WANDB_LOG_IMAGES_EVERY', 0, '10', 10],
  ['clear_cache_every', 'CLEAR_CACHE_EVERY', 25, '10', 10],
]

/** Those that count only beside it. */
const beside = { use_lora_solver: true, use_lora_proposer: true } as const
const keyOf = (flag: string) =>
  (flag === 'wandb_run_name' ? 'run_name' : flag) as Name<typeof evolmmSettings.rows>

test.each(released)(
  '%s has the released default, and %s sets it',
  async (flag, variable, value, given, read) => {
    const key = keyOf(flag)
    expect(resolve(evolmmSettings, {})[key] as unknown).toEqual(value)
    const environment = { USE_LORA_SOLVER: '1', USE_LORA_PROPOSER: '1', [variable]: given }
    const set = await readFrom({ environment })
    expect(set.settings[key] as unknown).toEqual(read)
    expect(set.sources[key]).toBe('environment')
    const flags = { ...beside, [flag]: typeof read === 'boolean' ? read : given }
    const typed = await readFrom({ flags, environment: { [variable]: '-1,' } })
    expect(typed.settings[key] as unknown).toEqual(read)
    expect(typed.sources[key]).toBe('flag')
  },
)

test('the recipe of train.sh is understood, and means one backbone', async () => {
  const { settings, notes } = await readFrom({
    environment: {
      ...{ SOLVER_MODEL: 'Qwen/Qwen2.5-VL-7B-Instruct', PROPOSER_MODEL: 'Qwen/Qwen2.5-VL-7B-Instruct' },
      ...{ USE_LORA_SOLVER: '1', USE_LORA_PROPOSER: '1', TOTAL_STEPS: '16180', PROP_FREQ: '5' },
      ...{ KL_TARGET: '0.020', KL_ADAPT_RATE: '0.10', SOLVER_SOFT_GAMMA: '0.7', WANDB_MODE: 'online' },
      CLEAR_CACHE_EVERY: '10',
    },
  })
  expect(settings).toMatchObject({ total_steps: 16180, clear_cache_every: 10, wandb_mode: 'online' })
  expect(notes).toEqual(['clear_cache_every is accepted as by the released code, and has no effect here'])
})

test('no variable but the released ones sets anything, unless it begins with EVOLMM_', async () => {
  const variables = new Set(released.map(([, variable]) => variable))
  for (const { environment } of describeSettings(evolmmSettings))
    for (const variable of environment)
      expect(variables.has(variable) || variable.startsWith('EVOLMM_'), variable).toBe(true)
  expect((await readFrom({ environment: { EVOLMM_REWARD: 'discrete' } })).settings.reward).toBe('discrete')
})

test('a file may name what has no effect here as it is by default, as run.json does', async () => {
  const notes = async (values: Record<string, unknown>) =>
    (await readFrom({ file: { path: 'run.json', values } })).notes
  const lora = { use_lora_solver: true, use_lora_proposer: true }
  expect(await notes({ ...lora, device_map: 'auto', clear_cache_every: 25 })).toEqual([])
  expect(await notes({ ...lora, device_map: 'balanced' })).toEqual([
    'device_map is accepted as by the released code, and has no effect here',
  ])
})

test('a resumed run may be longer and elsewhere, and learns as it did', () => {
  const changed = (before: EvolmmGiven, after: EvolmmGiven) => {
    const [one, other] = [before, after].map((given) =>
      identityOf(evolmmSettings, resolve(evolmmSettings, given)),
    )
    const names = Object.keys({ ...one, ...other })
    return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
  }
  const after = { total_steps: 900, output_dir: 'x', threads: 1, lr: 1, top_k: 3, report: false }
  expect(changed({}, after)).toEqual(['top_k', 'lr'])
  expect(changed({}, {})).toEqual([])
  const cosine = { lr_scheduler: 'cosine' } as const
  expect(changed(cosine, { ...cosine, total_steps: 900 })).toEqual(['total_steps'])
})

test('the identity of a run from before weights could have four bits is the same as today', () => {
  const now = identityOf(evolmmSettings, resolve(evolmmSettings, {}))
  const before = Object.fromEntries(Object.entries(now).filter(([name]) => name !== 'quantize'))
  expect(storedIdentity(evolmmSettings, { ...before, proposer_lr: null, proposer_model: null })).toEqual(now)
})

test.each([
  ['learning_rate', 'lr'],
  ['num_generations', 'num_solver_samples'],
  ['beta', 'kl_coef'],
  ['max_steps', 'total_steps'],
  ['per_device_train_batch_size', 'batch_size'],
  ['max_completion_length', 'max_new_tokens_solver'],
  ['temperature', 'temp'],
  ['save_steps', 'save_every'],
  ['bf16', 'dtype'],
  ['lora_rank', 'lora_r'],
  ['n', 'num_solver_samples'],
  ['worker.rollout.n', 'num_solver_samples'],
  ['actor_rollout_ref.rollout.n', 'num_solver_samples'],
  ['worker.actor.optim.lr', 'lr'],
  ['worker.actor.model.model_path', 'solver_model'],
  ['algorithm.kl_coef', 'kl_coef'],
])('%s of another library is our %s', (other, ours) => {
  expect(() => resolve(evolmmSettings, { [other]: 1 })).toThrow(
    `${other}: must be a setting of a run, got an unknown name; it is ${ours} here`,
  )
})

test.each([
  'num_processes',
  'gradient_accumulation_steps',
  'logging_steps',
  'num_train_epochs',
  'use_vllm',
  'trainer.n_gpus_per_node',
])('whoever asks for %s is told why there is none', (other) => {
  expect(() => resolve(evolmmSettings, { [other]: 1 })).toThrow(
    /got an unknown name; (?!did you|leave|it is)/,
  )
})

test('the types are those of the values', () => {
  expectTypeOf<EvolmmSettings['lr']>().toEqualTypeOf<number>()
  expectTypeOf<EvolmmSettings['proposer_lr']>().toEqualTypeOf<number>()
  expectTypeOf<EvolmmSettings['proposer_model']>().toEqualTypeOf<string>()
  expectTypeOf<EvolmmSettings['reward']>().toEqualTypeOf<SolverRewardName | SolverReward>()
  expectTypeOf<SolverRewardName>().not.toEqualTypeOf<string>()
  expectTypeOf<EvolmmSettings['normalize_answers']>().toEqualTypeOf<'canonical' | 'released' | Normalizer>()
  expectTypeOf<EvolmmSettings['freeze_vision']>().toEqualTypeOf<boolean>()
  expectTypeOf<EvolmmSettings['run_name']>().toEqualTypeOf<string | null>()
  expectTypeOf<EvolmmSettings['include_subfolders']>().toEqualTypeOf<readonly string[] | null>()
})
