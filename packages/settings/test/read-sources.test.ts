import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inheritedWords, sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  formatSettings,
  identityOf,
  readConfigFile,
  resolve,
  settingsData,
  type SourcesInput,
} from '../src/index'
import { errorOf, read, toy } from './support/toy'

const file = (values: Record<string, unknown>) => ({ path: 'my.json', values })

function writeTemporary(name: string, contents: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-settings-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, name), contents)
  return join(folder, name)
}

sizedTest(
  'a flag counts before the environment, that before the file, that before the default',
  { sources: [300, 1000, 50_000] },
  async ({ count, seed }) => {
    const names = ['lr', 'seed', 'total_steps'] as const
    const value = fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined })
    const layer = fc.record(Object.fromEntries(names.map((name) => [name, value])))
    const defined = (values: Record<string, number | undefined>) =>
      Object.entries(values).filter(([, one]) => one !== undefined)
    const { settings: defaults } = await read()
    await fc.assert(
      fc.asyncProperty(layer, layer, layer, async (flags, environment, values) => {
        const { settings, sources, subjects } = await read({
          flags: Object.fromEntries(defined(flags).map(([name, one]) => [name, String(one)])),
          environment: Object.fromEntries(
            defined(environment).map(([name, one]) => [name.toUpperCase(), String(one)]),
          ),
          file: file(Object.fromEntries(defined(values))),
        })
        for (const name of names) {
          const [source, expected, subject] = (
            [
              ['flag', flags[name], `--${name}`],
              ['environment', environment[name], name.toUpperCase()],
              ['file', values[name], `my.json: ${name}`],
              ['default', defaults[name], `--${name}`],
            ] as const
          ).find(([, one]) => one !== undefined) ?? ['default', NaN, '']
          expect([sources[name], settings[name], subjects[name]]).toEqual([source, expected, subject])
        }
      }),
      { seed, numRuns: count },
    )
  },
)

test('empty variables count as unset, and one is left alone where it means something else', async () => {
  for (const TEMP of ['/tmp', 'C:\\Users\\me\\AppData\\Local\\Temp', ''])
    expect(await read({ environment: { TEMP, LR: '' } })).toMatchObject({
      settings: { temp: 1, lr: 1e-6 },
      sources: { temp: 'default', lr: 'default' },
    })
  // A variable that is not needed may say anything.
  expect((await read({ flags: { lr: '1' }, environment: { LR: 'x' } })).settings.lr).toBe(1)
})

test('a variable has the released name, or EVOLMM_ and that of the setting', async () => {
  const environment = { LR: '2', EVOLMM_REPORT: '0', EVOLMM_BASELINE: 'leave_one_out' }
  expect((await read({ environment })).settings).toMatchObject({
    lr: 2,
    report: false,
    baseline: 'leave-one-out',
  })
})

test('names may be written with _ or -, choices too', async () => {
  expect(
    await read({ flags: { 'total-steps': '7', baseline: 'leave_one_out' }, file: file({ 'min-pixels': 5 }) }),
  ).toMatchObject({ settings: { total_steps: 7, baseline: 'leave-one-out', min_pixels: 5 } })
  expect((await read({ environment: { DEVICE: 'cuda:0' } })).settings.device).toBe('cuda')
})

test('a choice may have a number behind it where there are several, in every source', async () => {
  expect((await read({ environment: { DEVICE: 'cuda:1' } })).settings.device).toBe('cuda:1')
  expect((await read({ flags: { device: 'cuda:12' } })).settings.device).toBe('cuda:12')
  expect((await read({ file: file({ device: 'cuda:2' }) })).settings.device).toBe('cuda:2')
  for (const device of ['cuda:', 'cuda:01', 'cuda:1000', 'cuda:-1', 'cuda:1:2', 'cpu:1', 'auto:0']) {
    const { message } = await errorOf(() => read({ flags: { device } }))
    expect(message).toMatch(/device: must be one of auto, cpu, cuda, cuda:N, got/)
  }
})

test('"none" takes back what has no value by default, and null does in a file', async () => {
  const environment = { EVOLMM_INCLUDE: 'a', EVOLMM_MIN_PIXELS: '9' }
  const { settings } = await read({ flags: { include: 'none', min_pixels: 'none' }, environment })
  expect(settings).toMatchObject({ include: null, min_pixels: null })
  expect((await read({ file: file({ min_pixels: null }) })).settings.min_pixels).toBeNull()
  const { message } = await errorOf(() => read({ file: file({ lr: null }) }))
  expect(message).toMatch(/^my\.json: lr: must be a finite number/)
})

test.each([
  ['512B', 512],
  ['256MB', 256e6],
  ['1.5 GB', 1.5e9],
  ['256MiB', 2 ** 28],
  ['1gib', 2 ** 30],
  ['64kB', 64e3],
  ['0', 0],
])('%s is so many bytes', async (text, bytes) => {
  expect((await read({ flags: { image_cache: text } })).settings.image_cache).toBe(bytes)
})

test('a prompt may be in a file, and what is saved is the prompt', async () => {
  const path = writeTemporary('solver.txt', 'Look closely.\n{question}\n')
  const { settings } = await read({ flags: { solver_prompt: `@${path}` } })
  expect(settings.solver_prompt).toBe('Look closely.\n{question}')
  expect((await read({ file: file(settingsData(toy, settings)) })).settings).toEqual(settings)
  const messageOf = async (system_prompt: string) =>
    (await errorOf(() => read({ flags: { system_prompt } }))).message
  const endless = writeTemporary('endless.txt', 'Ask')
  truncateSync(endless, 2 ** 36)
  expect(await messageOf(`@${endless}`)).toMatch(/^--system_prompt: must name a file .* at most 64 MiB/)
  expect(await messageOf('@no/such')).toMatch(/^--system_prompt: must name a file .* ENOENT/)
  expect(await messageOf(`@${writeTemporary('empty.txt', '\n')}`)).toContain('a file with a text in it')
  expect(await messageOf(`@${writeTemporary('nested.txt', '@other')}`)).toContain('must not begin with @')
})

test.each<[string, SourcesInput, string]>([
  ['a flag', { flags: { lr: 'fast' } }, '--lr: must be a finite number at least 0, got "fast"'],
  ['a variable', { environment: { SEED: '-1' } }, 'SEED: must be an integer at least 0, got -1;'],
  [
    'our variable',
    { environment: { EVOLMM_MIN_PIXELS: '0' } },
    'EVOLMM_MIN_PIXELS: must be an integer at least 1, got 0;',
  ],
  ['a key', { file: file({ seed: '42' }) }, 'my.json: seed: must be an integer at least 0, got "42"'],
  [
    'a fraction',
    { flags: { total_steps: '1.50' } },
    '--total_steps: must be an integer at least 1, got 1.50;',
  ],
  ['nothing', { flags: { data_dir: ' ' } }, '--data_dir: must be given a value, got an empty text'],
  ['a mistyped choice', { flags: { baseline: 'leave-one' } }, 'got "leave-one"; did you mean leave-one-out?'],
  [
    'another choice',
    { flags: { device: 'tpu' } },
    '--device: must be one of auto, cpu, cuda, cuda:N, got "tpu"',
  ],
  ['a switch in a variable', { environment: { EVOLMM_REPORT: 'maybe' } }, 'EVOLMM_REPORT: must be 1 or 0'],
  ['a switch in a file', { file: file({ report: 1 }) }, 'my.json: report: must be true or false, got 1'],
  ['a list in a file', { file: file({ targets: 'a' }) }, 'targets: must be a list of one name or more'],
  ['an empty list', { flags: { targets: ',' } }, '--targets: must be a list of one name or more, got a list'],
  ['a choice in a file', { file: file({ device: [] }) }, 'my.json: device: must be one of auto, cpu, cuda'],
  ['a text in a file', { file: file({ data_dir: {} }) }, 'my.json: data_dir: must be a text, got an object'],
  ['a size', { flags: { image_cache: '12 apples' } }, '--image_cache: must be a number with its unit: B, kB'],
  [
    'a size without its unit',
    { flags: { image_cache: '80' } },
    '--image_cache: must be a number with its unit: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, got "80"; write 80GB or 80B',
  ],
  ['an open bound', { flags: { temp: '0' } }, '--temp: must be a finite number above 0, got 0'],
  ['two bounds', { flags: { dropout: '1' } }, 'must be a finite number at least 0 and below 1, got 1'],
  [
    'a text that breaks its rule',
    { flags: { solver_prompt: 'Hi' } },
    '--solver_prompt: must contain {question}',
  ],
  ['a name that breaks its rule', { flags: { run_name: 'a/b' } }, '--run_name: must be without slashes'],
  ['a mistyped flag', { flags: { 'total-stepz': '1' } }, 'did you mean total_steps?'],
  [
    'a mistyped key',
    { file: file({ othr_lr: 1 }) },
    'my.json: othr_lr: must be a setting of a toy, got an unknown name; did you mean other_lr?',
  ],
  [
    'a key that every object has',
    { file: file({ constructor: 1 }) },
    'my.json: constructor: must be a setting',
  ],
  [
    'settings that exclude each other',
    { flags: { min_pixels: '9', max_pixels: '8' } },
    'at most --max_pixels',
  ],
  [
    'a setting without its need',
    { environment: { EVOLMM_REWARD: 'votes', EVOLMM_GAMMA: '1' } },
    'EVOLMM_GAMMA: must go with --reward agreement, got 1 without; add that',
  ],
  [
    'the same from a file',
    { file: file({ reward: 'votes', gamma: 1 }) },
    'my.json: gamma: must go with --reward agreement',
  ],
])('what cannot be is named by where it came from: %s', async (_, input, message) => {
  const { code, message: text } = await errorOf(() => read(input))
  expect(code).toBe('INVALID_OPTION')
  expect(text).toContain(message)
})

test('an error says by the name of the setting what it is about', async () => {
  const { details } = await errorOf(() => read({ environment: { EVOLMM_GAMMA: '-1' } }))
  expect(details).toMatchObject({ option: 'gamma', value: -1 })
})

test('two names of one setting must agree', async () => {
  const { settings } = await read({ flags: { run_name: 'a', wandb_run_name: 'a' } })
  expect(settings.run_name).toBe('a')
  const { message } = await errorOf(() => read({ flags: { run_name: 'a', wandb_run_name: 'b' } }))
  expect(message).toBe('--wandb_run_name: must be the same as --run_name, got "b" and "a"; give one of them')
  const both = await read({ flags: { run_name: 'a' }, environment: { WANDB_RUN_NAME: 'b' } })
  expect(both.settings.run_name).toBe('a')
})

test('notes say what is given, and where it came from', async () => {
  expect((await read({ environment: { MAX_CKPTS: '1' } })).notes).toEqual([
    'one checkpoint, from environment, counts as two',
  ])
  expect((await read({ environment: { MAX_CKPTS: '1' } })).settings.max_checkpoints).toBe(2)
})

test('what was saved gives itself again, also from run.json', async () => {
  const { settings } = await read({
    flags: { lr: '1e-5', include: 'a,b', seed: '3', image_cache: '1MB', other_lr: '2' },
  })
  const config = settingsData(toy, settings)
  for (const contents of [config, { schema_version: 1, name: 'x', config }]) {
    const path = writeTemporary('run.json', JSON.stringify(contents))
    expect((await read({ file: await readConfigFile(path) })).settings).toEqual(settings)
  }
})

test('what follows another setting follows it still when a saved configuration is changed', async () => {
  const saved = settingsData(toy, resolve(toy, { lr: 1e-5 }))
  expect(saved.other_lr).toBeNull()
  expect((await read({ file: file(saved), flags: { lr: '2' } })).settings.other_lr).toBe(2)
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

test('settings are shown in groups, with the source of what is not the default', async () => {
  const found = await read({
    flags: { lr: '1e-5', wandb_run_name: 'first', seed: '42', report: false },
    environment: { TOTAL_STEPS: '2', EVOLMM_REWARD: 'votes' },
    file: file({ min_pixels: 5 }),
  })
  const text = formatSettings(toy, found)
  expect(text).toMatch(/^Data\n {2}data_dir +images\n/)
  const lines = text.split('\n').filter((line) => line.includes('(from'))
  expect(lines.map((line) => line.trim().replace(/ {2,}/g, ' '))).toEqual([
    'min_pixels 5 (from the file)',
    'run_name first (from --run_name)',
    'total_steps 2 (from TOTAL_STEPS)',
    'report off (from --no-report)',
    'lr 1e-5 (from --lr)',
    'reward votes (from EVOLMM_REWARD)',
  ])
  for (const name of Object.keys(toy.rows)) expect(text).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
})

test('settings may be shown in part, without groups that have none of it', async () => {
  const found = await read({ flags: { lr: '1e-5' } })
  const text = formatSettings(toy, found, { only: ['lr', 'data_dir'] })
  expect(text.split('\n').filter((line) => line.startsWith('  '))).toEqual([
    '  data_dir  images',
    '  lr        1e-5  (from --lr)',
  ])
  expect(text.match(/^\w/gm)).toHaveLength(2)
})

test.each([
  ['a flag', 'learning_rate', 'it is lr here'],
  ['a flag with dashes', 'learning-rate', 'it is lr here'],
  ['a name in sections', 'worker.actor.optim.lr', 'it is lr here'],
  ['another library', 'max_steps', 'it is total_steps here'],
  ['what there is none of', 'num_processes', 'a toy is one process'],
  ['the same in sections', 'trainer.nnodes', 'a toy is one process'],
])('a name of another library is answered with ours: %s', async (_, key, hint) => {
  for (const input of [{ flags: { [key]: '1' } }, { file: file({ [key]: 1 }) }]) {
    const { message, details } = await errorOf(() => read(input))
    expect(message).toMatch(/must be a setting of a toy, got an unknown name; /)
    expect(message).toMatch(new RegExp(`; ${hint}$`))
    expect(details.option).toBe(key)
  }
})

const module = `
export const byLength = (texts) => texts.map((text) => text.length)
export function ask(question) { return 'Well: ' + question }
export default function () { return [] }
export const half = 0.5
`

test('a function may stand in a file that flags, variables and files name', async () => {
  const path = writeTemporary('mine.mjs', module)
  const { settings } = await read({
    flags: { reward: `${path}#byLength` },
    environment: { EVOLMM_SOLVER_PROMPT: `${path}#ask` },
  })
  expect(settings.reward).toBeTypeOf('function')
  if (typeof settings.reward === 'function') expect(settings.reward(['a', 'bcd'])).toEqual([1, 3])
  if (typeof settings.solver_prompt === 'function')
    expect(settings.solver_prompt('How many?')).toBe('Well: How many?')
  expect((await read({ flags: { reward: `${path}#default` } })).settings.reward).toBeTypeOf('function')
  // Beside a configuration file, a relative path begins there.
  const beside = { path: join(dirname(path), 'my.json'), values: { reward: './mine.mjs#byLength' } }
  expect((await read({ file: beside })).settings.reward).toBe(settings.reward)
  // It is the same in the next run as long as its text is, wherever the file lies.
  expect(identityOf(toy, settings).reward).toBe('(texts) => texts.map((text) => text.length)')
  // What is saved can be given again, from anywhere.
  const saved = settingsData(toy, settings)
  expect(saved.reward).toBe(`${path}#byLength`)
  expect((await read({ file: file(saved) })).settings).toEqual(settings)
})

test('a relative file begins at the working directory for a flag', async () => {
  const { message } = await errorOf(() => read({ flags: { reward: './no/such.mjs#f' } }))
  expect(message).toContain(join(process.cwd(), 'no/such.mjs'))
})

test.each([
  [
    'no such file',
    'other.mjs#f',
    /^--reward: must name a module that can be imported before #f, got .*other\.mjs/,
  ],
  [
    'no such export',
    'mine.mjs#byWidth',
    /^--reward: must name a function .*, got no such export; .*has byLength, ask, default$/,
  ],
  ['no function', 'mine.mjs#half', /got number; /],
  ['a module that fails', 'bad.mjs#f', /got out of luck; /],
])('a function that is not there is one clear error: %s', async (_, name, message) => {
  const folder = dirname(writeTemporary('mine.mjs', module))
  writeFileSync(join(folder, 'bad.mjs'), "throw new Error('out of luck')")
  const error = await errorOf(() => read({ flags: { reward: join(folder, name) } }))
  expect(error.message).toMatch(message)
  expect(error).toMatchObject({ code: 'INVALID_OPTION', details: { option: 'reward' } })
})

test('where a function is not wanted, its name is a text like others', async () => {
  const { message } = await errorOf(() => read({ flags: { baseline: './mine.mjs#f' } }))
  expect(message).toContain('--baseline: must be one of ema, leave-one-out, got "./mine.mjs#f"')
  expect((await read({ flags: { system_prompt: './mine.mjs#f' } })).settings.system_prompt).toBe(
    './mine.mjs#f',
  )
})

test.each(inheritedWords)('%s is no setting, no choice and no unit', async (word) => {
  const inputs: SourcesInput[] = [
    { flags: { [word]: '1' } },
    { file: file(JSON.parse(`{"${word}": 1}`) as Record<string, unknown>) },
    { flags: { schedule: word } },
    { flags: { image_cache: `5${word}` } },
    { flags: { total_steps: word } },
    { environment: { TOTAL_STEPS: word } },
    { environment: { LR: word } },
  ]
  for (const input of inputs)
    expect(await errorOf(() => read(input))).toMatchObject({ code: 'INVALID_OPTION' })
})
