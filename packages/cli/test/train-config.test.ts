import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import fc from 'fast-check'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { identityOf } from '../src/train/config/identity'
import { closest } from '../src/train/config/closest'
import { describeSettings } from '../src/train/config/describe-settings'
import { formatConfig } from '../src/train/config/format-config'
import { readConfigFile } from '../src/train/config/read-config-file'
import { resolveConfig, type ConfigInput } from '../src/train/config/resolve-config'
import { runName } from '../src/train/config/run-name'
import type { TrainConfig, TrainSetting } from '../src/train/config/train-settings'

/**
 * Flags, variables and defaults of the released `train.py` at de5b0f8, written down from its argument parser, and not
 * from our table. `null` is "none"; a third value is one to set.
 */
const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
const released: [flag: string, variable: string, value: unknown, given: string, read: unknown][] = [
  ['data_dir', 'DATA_DIR', 'images/train', 'charts', 'charts'],
  ['include_subfolders', 'INCLUDE_SUBFOLDERS', null, 'a, b,c', ['a', 'b', 'c']],
  ['solver_model', 'SOLVER_MODEL', 'Qwen/Qwen2.5-VL-3B-Instruct', 'x/y', 'x/y'],
  ['proposer_model', 'PROPOSER_MODEL', null, 'x/y', 'x/y'],
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
const keyOf = (flag: string) => (flag === 'wandb_run_name' ? 'run_name' : flag) as TrainSetting

function error(input: ConfigInput): EvolmmError {
  try {
    resolveConfig(input)
  } catch (thrown) {
    if (thrown instanceof EvolmmError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

const file = (values: Record<string, unknown>) => ({ path: 'my.json', values })

function writeTemporary(name: string, contents: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-config-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, name), contents)
  return join(folder, name)
}

test.each(released)('%s has the released default, and %s sets it', (flag, variable, value, given, read) => {
  const key = keyOf(flag)
  expect(resolveConfig().config[key]).toEqual(value)
  const environment = { USE_LORA_SOLVER: '1', USE_LORA_PROPOSER: '1', [variable]: given }
  const set = resolveConfig({ environment })
  expect(set.config[key]).toEqual(read)
  expect(set.sources[key]).toBe('environment')
  const flags = { ...beside, [flag]: typeof read === 'boolean' ? read : given }
  const typed = resolveConfig({ flags, environment: { [variable]: '-1,' } })
  expect(typed.config[key]).toEqual(read)
  expect(typed.sources[key]).toBe('flag')
})

test('the recipe of train.sh is understood, and means one backbone', () => {
  const { config, notes } = resolveConfig({
    environment: {
      ...{ SOLVER_MODEL: 'Qwen/Qwen2.5-VL-7B-Instruct', PROPOSER_MODEL: 'Qwen/Qwen2.5-VL-7B-Instruct' },
      ...{ USE_LORA_SOLVER: '1', USE_LORA_PROPOSER: '1', TOTAL_STEPS: '16180', PROP_FREQ: '5' },
      ...{ KL_TARGET: '0.020', KL_ADAPT_RATE: '0.10', SOLVER_SOFT_GAMMA: '0.7', WANDB_MODE: 'online' },
      CLEAR_CACHE_EVERY: '10',
    },
  })
  expect(config).toMatchObject({ total_steps: 16180, clear_cache_every: 10, wandb_mode: 'online' })
  expect(notes).toEqual(['clear_cache_every is accepted as by the released code, and has no effect here'])
})

test('no variable but the released ones sets anything, unless it begins with EVOLMM_', () => {
  const variables = new Set(released.map(([, variable]) => variable))
  for (const { environment } of describeSettings())
    for (const variable of environment)
      expect(variables.has(variable) || variable.startsWith('EVOLMM_'), variable).toBe(true)
  expect(resolveConfig({ environment: { EVOLMM_REWARD: 'discrete' } }).config.reward).toBe('discrete')
})

test('empty variables count as unset, and TEMP is left alone where it is a folder', () => {
  for (const TEMP of ['/tmp', 'C:\\Users\\me\\AppData\\Local\\Temp', ''])
    expect(resolveConfig({ environment: { TEMP, LR: '' } })).toMatchObject({
      config: { temp: 1, lr: 1e-6 },
      sources: { temp: 'default', lr: 'default' },
    })
})

test('a flag counts before the environment, that before the file, that before the default', () => {
  const names = ['lr', 'seed', 'total_steps', 'weight_decay', 'save_every'] as const
  const value = fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined })
  const layer = fc.record(Object.fromEntries(names.map((name) => [name, value])))
  const defined = (values: Record<string, number | undefined>) =>
    Object.entries(values).filter(([, one]) => one !== undefined)
  fc.assert(
    fc.property(layer, layer, layer, (flags, environment, values) => {
      const { config, sources } = resolveConfig({
        flags: Object.fromEntries(defined(flags).map(([name, one]) => [name, String(one)])),
        environment: Object.fromEntries(
          defined(environment).map(([name, one]) => [name.toUpperCase(), String(one)]),
        ),
        file: file(Object.fromEntries(defined(values))),
      })
      const defaults = resolveConfig().config
      for (const name of names) {
        const [source, expected] = (
          [
            ['flag', flags[name]],
            ['environment', environment[name]],
            ['file', values[name]],
            ['default', defaults[name]],
          ] as const
        ).find(([, one]) => one !== undefined) ?? ['default', NaN]
        expect([sources[name], config[name]]).toEqual([source, expected])
      }
    }),
    { seed: 6, numRuns: 300 },
  )
})

test('names may be written with _ or -, choices too', () => {
  expect(
    resolveConfig({
      flags: { 'kl-control': 'fixed', baseline: 'leave_one_out' },
      file: file({ 'top-k': 5 }),
    }),
  ).toMatchObject({ config: { kl_control: 'fixed', baseline: 'leave-one-out', top_k: 5 } })
  expect(resolveConfig({ environment: { DEVICE: 'cuda:0' } }).config.device).toBe('cuda')
})

test('"none" takes back what has no value by default, and null does in a file', () => {
  const environment = { INCLUDE_SUBFOLDERS: 'a', EVOLMM_MIN_PIXELS: '9' }
  const { config } = resolveConfig({ flags: { include_subfolders: 'none', min_pixels: 'none' }, environment })
  expect(config).toMatchObject({ include_subfolders: null, min_pixels: null })
  expect(resolveConfig({ file: file({ min_pixels: null }) }).config.min_pixels).toBeNull()
  expect(error({ file: file({ lr: null }) }).message).toMatch(/^my\.json: lr: must be a finite number/)
})

test.each([
  ['512', 512],
  ['256MB', 256e6],
  ['1.5 GB', 1.5e9],
  ['256MiB', 2 ** 28],
  ['1gib', 2 ** 30],
  ['64kB', 64e3],
  ['0', 0],
])('%s is so many bytes', (text, bytes) => {
  expect(resolveConfig({ flags: { image_cache: text } }).config.image_cache).toBe(bytes)
})

test('a prompt may be in a file, and what is saved is the prompt', () => {
  const path = writeTemporary('solver.txt', 'Look closely.\n{question}\n')
  const { config } = resolveConfig({ flags: { solver_prompt: `@${path}` } })
  expect(config.solver_prompt).toBe('Look closely.\n{question}')
  expect(resolveConfig({ file: file({ ...config }) }).config).toEqual(config)
  expect(error({ flags: { system_prompt: '@no/such' } }).message).toMatch(
    /^--system_prompt: must name a file .* ENOENT/,
  )
  const empty = writeTemporary('empty.txt', '\n')
  expect(error({ flags: { system_prompt: `@${empty}` } }).message).toContain('a file with a text in it')
  const nested = writeTemporary('nested.txt', '@other')
  expect(error({ flags: { system_prompt: `@${nested}` } }).message).toContain('must not begin with @')
})

test.each<[string, ConfigInput, string]>([
  ['a flag', { flags: { lr: 'fast' } }, '--lr: must be a finite number at least 0, got "fast"'],
  ['a variable', { environment: { N_SAMPLES: '0' } }, 'N_SAMPLES: must be an integer at least 1, got 0;'],
  [
    'our variable',
    { environment: { EVOLMM_TOP_K: '-1' } },
    'EVOLMM_TOP_K: must be an integer at least 0, got -1;',
  ],
  [
    'a key of a file',
    { file: file({ seed: '42' }) },
    'my.json: seed: must be an integer at least 0, got "42"',
  ],
  [
    'a fraction',
    { flags: { total_steps: '1.50' } },
    '--total_steps: must be an integer at least 1, got 1.50;',
  ],
  ['nothing', { flags: { data_dir: ' ' } }, '--data_dir: must be given a value, got an empty text'],
  ['a mistyped choice', { flags: { reward: 'discret' } }, 'got "discret"; did you mean discrete?'],
  [
    'another choice',
    { flags: { dtype: 'int8' } },
    '--dtype: must be one of bfloat16, float16, float32, got "int8"',
  ],
  [
    'a switch in the environment',
    { environment: { FREEZE_VISION: 'maybe' } },
    'FREEZE_VISION: must be 1 or 0',
  ],
  ['a switch in a file', { file: file({ report: 1 }) }, 'my.json: report: must be true or false, got 1'],
  [
    'a list in a file',
    { file: file({ lora_targets: 'q_proj' }) },
    'lora_targets: must be a list of one name or more',
  ],
  [
    'an empty list',
    { flags: { lora_targets: ',' } },
    '--lora_targets: must be a list of one name or more, got a list',
  ],
  [
    'a choice in a file',
    { file: file({ reward: [] }) },
    'my.json: reward: must be one of continuous, discrete',
  ],
  ['a text in a file', { file: file({ data_dir: {} }) }, 'my.json: data_dir: must be a text, got an object'],
  [
    'a size',
    { flags: { image_cache: '12 apples' } },
    '--image_cache: must be a number of bytes, or one with kB',
  ],
  ['greedy answers', { flags: { temp: '0' } }, '--temp: must be a finite number above 0, got 0'],
  ['all dropped', { flags: { lora_dropout: '1' } }, 'must be a finite number at least 0 and below 1, got 1'],
  [
    'a prompt without a question',
    { flags: { solver_prompt: 'Hi' } },
    '--solver_prompt: must contain {question}',
  ],
  [
    'a path for a name',
    { flags: { run_name: 'a/b' } },
    '--run_name: must be the name of a folder, without slashes',
  ],
  ['a folder above', { flags: { run_name: '..' } }, '--run_name: must be the name of a folder'],
  ['an unknown flag', { flags: { learning_rate: '1' } }, '--learning_rate: must be a setting of a run'],
  ['a mistyped flag', { flags: { 'num-solver-sample': '1' } }, 'did you mean num_solver_samples?'],
  [
    'a mistyped key',
    { file: file({ kl_taget: 1 }) },
    'my.json: kl_taget: must be a setting of a run, got an unknown name; did you mean kl_target?',
  ],
  [
    'a key that every object has',
    { file: file({ constructor: 1 }) },
    'my.json: constructor: must be a setting',
  ],
])('what cannot be is named by where it came from: %s', (_, input, message) => {
  const { code, message: text } = error(input)
  expect(code).toBe('INVALID_OPTION')
  expect(text).toContain(message)
})

test('two names of one setting must agree', () => {
  expect(resolveConfig({ flags: { run_name: 'a', wandb_run_name: 'a' } }).config.run_name).toBe('a')
  expect(error({ flags: { run_name: 'a', wandb_run_name: 'b' } }).message).toBe(
    '--wandb_run_name: must be the same as --run_name, got "b" and "a"; give one of them',
  )
  expect(
    resolveConfig({ flags: { run_name: 'a' }, environment: { WANDB_RUN_NAME: 'b' } }).config.run_name,
  ).toBe('a')
})

test('a file may name what has no effect here as it is by default, as run.json does', () => {
  const notes = (values: Record<string, unknown>) =>
    resolveConfig({ file: { path: 'run.json', values } }).notes
  const lora = { use_lora_solver: true, use_lora_proposer: true }
  expect(notes({ ...lora, device_map: 'auto', clear_cache_every: 25 })).toEqual([])
  expect(notes({ ...lora, device_map: 'balanced' })).toEqual([
    'device_map is accepted as by the released code, and has no effect here',
  ])
})

test('a configuration that was saved gives itself again, also from run.json', async () => {
  const { config } = resolveConfig({
    flags: { ...beside, lr: '1e-5', include_subfolders: 'a,b', lora_r: '4', seed: '3', image_cache: '1MB' },
  })
  const saved = { schema_version: 1, name: 'x', config }
  for (const contents of [config, saved]) {
    const path = writeTemporary('run.json', JSON.stringify(contents))
    expect(resolveConfig({ file: await readConfigFile(path) }).config).toEqual(config)
  }
})

test.each([
  ['{"lr": 1,}', 'must be JSON'],
  ['[1]', 'must hold an object with settings by name'],
  ['null', 'must hold an object with settings by name'],
])('a configuration file of another kind is refused: %s', async (contents, message) => {
  const path = writeTemporary('my.json', contents)
  await expect(readConfigFile(path)).rejects.toMatchObject({
    code: 'INVALID_CONFIG_FILE',
    message: expect.stringContaining(message) as string,
  })
  await expect(readConfigFile(`${path}.not`)).rejects.toThrow('must be a file that can be read')
})

test('a configuration is shown in groups, with the source of what is not the default', () => {
  const resolved = resolveConfig({
    flags: { lr: '1e-5', wandb_run_name: 'first', seed: '42', report: false },
    environment: { PROP_FREQ: '2', EVOLMM_REWARD: 'discrete' },
    file: file({ top_k: 5 }),
  })
  const text = formatConfig(resolved)
  expect(text).toMatch(/^Images\n {2}data_dir +images\/train\n/)
  const lines = text.split('\n').filter((line) => line.includes('(from'))
  expect(lines.map((line) => line.trim().replace(/ {2,}/g, ' '))).toEqual([
    'run_name first (from --run_name)',
    'top_k 5 (from the file)',
    'reward discrete (from EVOLMM_REWARD)',
    'proposer_update_freq 2 (from PROP_FREQ)',
    'lr 1e-5 (from --lr)',
    'report off (from --no-report)',
  ])
  for (const name of Object.keys(resolved.config)) expect(text).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
})

test('a run without a name is called after its model and the time', () => {
  const name = (solver_model: string) => runName({ run_name: null, solver_model }, 1_700_000_000_999)
  expect(name('Qwen/Qwen2.5-VL-3B-Instruct')).toBe('Qwen2.5-VL-3B-Instruct_1700000000')
  expect(name('Qwen/Qwen2.5-VL-3B-Instruct@main')).toBe('Qwen2.5-VL-3B-Instruct_1700000000')
  expect(name('./models/tiny/')).toBe('tiny_1700000000')
  expect(name('..')).toBe('model_1700000000')
  expect(runName({ run_name: 'mine', solver_model: 'x' })).toBe('mine')
})

test('a resumed run may be longer and elsewhere, and learns as it did', () => {
  const before = resolveConfig().config
  const after: TrainConfig = {
    ...before,
    total_steps: 900,
    output_dir: 'x',
    threads: 1,
    probe_every: 3,
    lr: 1,
    top_k: 3,
  }
  const changed = (a: TrainConfig, b: TrainConfig) => {
    const [one, other] = [identityOf(a), identityOf(b)]
    const names = Object.keys({ ...one, ...other }) as TrainSetting[]
    return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
  }
  expect(changed(before, after)).toEqual(['top_k', 'lr'])
  expect(changed(before, before)).toEqual([])
  const cosine = { ...before, lr_scheduler: 'cosine' } as const
  expect(changed(cosine, { ...cosine, total_steps: 900 })).toEqual(['total_steps'])
})

test('a word that is far from all others means none of them', () => {
  expect(closest('lorra_r', ['lora_r', 'lr'])).toBe('lora_r')
  expect(closest('zzzzzz', ['lora_r', 'lr'])).toBeUndefined()
})

test('the types are those of the values', () => {
  expectTypeOf<TrainConfig['lr']>().toEqualTypeOf<number>()
  expectTypeOf<TrainConfig['proposer_lr']>().toEqualTypeOf<number | null>()
  expectTypeOf<TrainConfig['reward']>().toEqualTypeOf<'continuous' | 'discrete'>()
  expectTypeOf<TrainConfig['freeze_vision']>().toEqualTypeOf<boolean>()
  expectTypeOf<TrainConfig['data_dir']>().toEqualTypeOf<string>()
  expectTypeOf<TrainConfig['run_name']>().toEqualTypeOf<string | null>()
  expectTypeOf<TrainConfig['include_subfolders']>().toEqualTypeOf<readonly string[] | null>()
  expectTypeOf<TrainConfig['lora_targets']>().toEqualTypeOf<readonly string[]>()
})
