import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EvolmmError } from '@evolmm/internal'
import { settingsData } from '@evolmm/settings'
import { evolmmSettings, type EvolmmSettings } from '@evolmm/trainer'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { library } from '../src/installed-library'
import { fakeLibrary } from './support/fake-library'
import { given, runCommand, type RunOptions } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const images = join(model, 'images')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-train-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const lora = ['--use_lora_solver', '--use_lora_proposer']
const train = (argv: readonly string[], options: RunOptions = {}) =>
  runCommand(['train', '--data_dir', images, '--solver_model', model, ...argv], options)
/** What `--dry_run --json` prints. */
interface Shown {
  config: EvolmmSettings
  sources: Record<string, string>
  notes: string[]
}
const configOf = (calls: Parameters<typeof given>[0]) => given(calls, 'train')[0] as EvolmmSettings

test('flags, environment and file reach the run, in any spelling', async () => {
  const file = join(folder, 'my.json')
  writeFileSync(file, JSON.stringify({ lr: 3e-6, seed: 3, top_k: 3 }))
  const { code, calls } = await train(
    [
      ...lora,
      '--config',
      file,
      '--lr=1e-6',
      '--num-solver-samples',
      '8',
      '--no-freeze-vision',
      '--no-report',
    ],
    { environment: { LR: '2e-6', SEED: '2', EVOLMM_REWARD: 'discrete' } },
  )
  expect(code).toBe(0)
  expect(configOf(calls)).toMatchObject({
    ...{ data_dir: images, lr: 1e-6, seed: 2, top_k: 3, num_solver_samples: 8, reward: 'discrete' },
    ...{ freeze_vision: false, report: false, use_lora_solver: true, use_lora_proposer: true },
  })
})

test('--no- takes back what the environment or a file switches on', async () => {
  const { calls } = await train(['--no-use_lora_solver', '--freeze_vision'], {
    environment: { USE_LORA_SOLVER: '1', USE_LORA_PROPOSER: '1', FREEZE_VISION: '0' },
  })
  expect(configOf(calls)).toMatchObject({
    ...{ use_lora_solver: false, use_lora_proposer: true, freeze_vision: true },
  })
})

test('the folder of the run is all of standard output; configuration and notes go elsewhere', async () => {
  const { code, stdout, stderr } = await train([...lora, '--wandb_run_name', 'first', '--temp', '0.7'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '/runs/tiny\n' })
  expect(stderr).toMatch(/^Images\n {2}data_dir /)
  expect(stderr).toMatch(/\n {2}run_name +first {2}\(from --run_name\)\n/)
  expect(stderr).toMatch(/\nnote: temp, top_p and top_k change what is sampled.*\n/)
  const json = await train([...lora, '--json'])
  expect(json.stdout).toBe('{"folder":"/runs/tiny","step":1,"status":"finished"}\n')
})

test('--dry_run checks, counts the images, builds all programs, shows the memory and does not train', async () => {
  const { code, stdout, stderr, calls } = await train([...lora, '--dry_run', '--lr', '1e-5'])
  expect({ code, stderr, calls }).toEqual({ code: 0, stderr: '', calls: [] })
  expect(stdout).toMatch(/\n {2}lr +1e-5 {2}\(from --lr\)\n/)
  expect(stdout).toMatch(/\n\d+ images found\n/)
  for (const name of ['encode', 'sample', 'score', 'gradient'])
    expect(stdout).toMatch(new RegExp(`\\n  ${name} +[\\d,]+ nodes`))
  expect(stdout).toMatch(/\nIt (barely )?fits: .*\n$/)
})

test.each<[string, string[], RegExp]>([
  [
    'the key of W&B, if an upload is asked for',
    ['--wandb_mode', 'online'],
    /W&B: must have an API key to upload, got none/,
  ],
  [
    'the labelled questions',
    ['--probe_data', '{folder}/probe.jsonl'],
    /probe\.jsonl:1: must be one JSON object/,
  ],
  [
    'the tokenizer of a local checkpoint',
    ['--solver_model', '{folder}/bare'],
    /tokenizer\.json|preprocessor_config\.json/,
  ],
])('--dry_run checks %s', async (_, argv, message) => {
  mkdirSync(join(folder, 'bare'), { recursive: true })
  copyFileSync(join(model, 'config.json'), join(folder, 'bare/config.json'))
  writeFileSync(join(folder, 'probe.jsonl'), 'no JSON\n')
  vi.stubEnv('WANDB_API_KEY', '')
  const given = argv.map((each) => each.replace('{folder}', folder))
  const { code, stdout, stderr } = await train([...lora, '--dry_run', ...given])
  vi.unstubAllEnvs()
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toMatch(message)
})

test('--dry_run says in one line that a run cannot fit, after showing what it takes', async () => {
  const { code, stdout, stderr } = await train([
    ...lora,
    '--device',
    'cpu',
    '--dry_run',
    '--memory_limit',
    '9MB',
  ])
  expect(code).toBe(2)
  expect(stdout).toMatch(/\nIt does not fit: .* of 9\.0 MB; .*\n$/)
  expect(stderr).toMatch(/^evolmm: memory of the machine: must be at least what the run takes, .*\n$/)
})

test('what --dry_run --json prints is a configuration file', async () => {
  const first = await train([...lora, '--dry_run', '--json', '--lr', '1e-5'])
  const { config, sources, notes, images: count } = JSON.parse(first.stdout) as Shown & { images: number }
  expect([config.lr, sources.lr, notes, count]).toEqual([1e-5, 'flag', [], expect.any(Number)])
  const file = join(folder, 'resolved.json')
  writeFileSync(file, first.stdout)
  const { calls } = await runCommand(['train', '--config', file])
  expect(settingsData(evolmmSettings, configOf(calls))).toEqual(config)
})

test('the first signal, Ctrl-C or SIGTERM, lets the run save itself; the exit code is 130', async () => {
  const asked: unknown[] = []
  let undone = 0
  let interrupt = (): void => undefined
  const { code, stdout, stderr } = await train(lora, {
    onInterrupt: (handler, signals) => {
      asked.push(signals)
      interrupt = handler
      return () => undone++
    },
    library: fakeLibrary({
      onTrain: (_, { signal }) => {
        interrupt()
        expect(signal?.aborted).toBe(true)
        return { folder: '/runs/tiny', step: 7, status: 'stopped' }
      },
    }),
  })
  expect({ code, stdout, asked, undone }).toEqual({
    ...{ code: 130, stdout: '/runs/tiny\n', asked: [['SIGINT', 'SIGTERM']], undone: 1 },
  })
  expect(stderr).toMatch(
    /note: stopping after saving; once more stops at once\nnote: stopped after iteration 7; the same command with --run_name tiny goes on from there\nto ask it: .*\n$/,
  )
})

test('a run that was named goes on with the same command; one that is finished says so', async () => {
  const stopped = () => ({ folder: '/runs/mine', step: 7, status: 'stopped' }) as const
  const first = await train([...lora, '--run_name', 'mine'], { library: fakeLibrary({ onTrain: stopped }) })
  expect(first.stderr).toMatch(
    /\nnote: stopped after iteration 7; the same command goes on from there\nto ask it: .*\n$/,
  )
  const finished = () => ({ folder: '/runs/mine', step: 9, status: 'finished' }) as const
  const library = fakeLibrary({ onTrain: finished, iterations: 0 })
  const { code, stdout, stderr } = await train([...lora, '--run_name', 'mine'], { library })
  expect({ code, stdout }).toEqual({ code: 0, stdout: '/runs/mine\n' })
  expect(stderr).toMatch(
    /\nnote: finished before, after iteration 9; a larger --total_steps goes on from there\n$/,
  )
})

test.each([
  ['a stop before the first iteration', () => new DOMException('stopped', 'AbortError'), 130, /once\n$/],
  ['a disk that was full at the end', () => new Error('disk full'), 1, /unexpected error: disk full;/],
] as const)('after a signal: %s', async (_, error, expected, message) => {
  let interrupt = (): void => undefined
  const { code, stdout, stderr } = await train(lora, {
    onInterrupt: (handler) => {
      interrupt = handler
      return () => undefined
    },
    library: fakeLibrary({
      onTrain: () => {
        interrupt()
        throw error()
      },
    }),
  })
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
  expect(stderr).toMatch(message)
})

test('a run that ends itself, at a collapse or at the same moment as a signal, is no interruption', async () => {
  const stopped = await train(lora, {
    library: fakeLibrary({ onTrain: () => ({ folder: '/r', step: 3, status: 'stopped' }) }),
  })
  expect(stopped.code).toBe(0)
})

test('warnings of a run take one line each', async () => {
  const { stderr } = await train(lora, {
    library: fakeLibrary({
      onTrain: (_, { onWarning }) => {
        onWarning?.('an image\ncannot be read')
        return { folder: '/r', step: 3, status: 'finished' }
      },
    }),
  })
  expect(stderr).toMatch(/\nwarning: an image cannot be read\nto ask it: .*\n$/)
})

test.each<[string, string[], string]>([
  [
    'a folder that is not there',
    ['--data_dir', 'no/images'],
    '--data_dir "no/images": must be a folder that exists, got nothing there',
  ],
  [
    'a file of images',
    ['--data_dir', 'package.json'],
    '--data_dir "package.json": must be a folder that exists, got a file',
  ],
  [
    'a folder without images',
    ['--data_dir', fileURLToPath(new URL('support', import.meta.url)), '--dry_run'],
    '--data_dir: must hold at least one image, found none',
  ],
  [
    'no model',
    ['--solver_model', './no/model'],
    '--solver_model "./no/model": must be a folder that exists, or ORG/NAME on the hub',
  ],
  [
    'a file for a model',
    ['--proposer_model', 'package.json'],
    '--proposer_model "package.json": must be a folder that exists',
  ],
  [
    'no adapter',
    [...lora, '--solver_adapter', 'adapter'],
    '--solver_adapter "adapter": must be a folder that exists',
  ],
  [
    'no manifest',
    ['--manifest', 'no.jsonl'],
    '--manifest "no.jsonl": must be a file that can be read, got nothing there',
  ],
  [
    'a folder for a probe',
    ['--probe_data', '.'],
    '--probe_data ".": must be a file that can be read, got a folder',
  ],
  [
    'no checkpoint',
    ['--resume', 'step_1'],
    '--resume "step_1": must be a folder that exists, got nothing there',
  ],
  [
    'a file for runs',
    ['--output_dir', 'package.json'],
    '--output_dir "package.json": must be a folder, or not exist yet, got a file',
  ],
  [
    'no configuration',
    ['--config', 'no.json'],
    '--config no.json: must be a file that can be read, got no such file or directory (ENOENT); check the path',
  ],
  [
    'an unknown flag',
    ['--num_solver_sample', '3'],
    "unknown option '--num_solver_sample'; did you mean --num_solver_samples?",
  ],
  ['an impossible value', ['--lr', '-1'], '--lr: must be a finite number at least 0, got -1'],
  ['a contradiction', ['--lora_r', '8'], '--lora_r: must go with a new adapter'],
  [
    'two names',
    ['--run_name', 'a', '--wandb-run-name', 'b'],
    '--wandb_run_name: must be the same as --run_name',
  ],
  ['a value for a switch', ['--use_lora_solver=1'], '--use_lora_solver: must stand alone'],
])('bad input ends in one line and exit code 2, before anything is loaded: %s', async (_, argv, message) => {
  const { code, stdout, stderr, calls } = await train(argv)
  expect({ code, stdout, calls }).toEqual({ code: 2, stdout: '', calls: [] })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

test.each([
  ['--solver_adapter', 'an adapter', lora],
  ['--resume', 'a checkpoint', lora],
])('%s names the newest checkpoint of a run that is given in its place', async (flag, wanted, flags) => {
  const run = join(folder, `run${flag}`)
  for (const name of ['step_00005', 'step_00010', 'step_00015']) {
    mkdirSync(join(run, name), { recursive: true })
    if (name !== 'step_00015') writeFileSync(join(run, name, 'SAVE_OK'), '')
  }
  const newest = join(run, 'step_00010')
  const told = async (path: string) => {
    const { code, stderr, calls } = await train([...flags, flag, path])
    expect({ code, calls }).toEqual({ code: 2, calls: [] })
    return stderr.replace(
      `evolmm: ${flag} ${JSON.stringify(path)}: must be the folder of ${wanted}, got `,
      '',
    )
  }
  expect(await told(run)).toBe(`that of a run; its newest checkpoint is ${newest}\n`)
  expect(await told(join(run, 'step_00004'))).toBe(
    `nothing there; the run's newest checkpoint is ${newest}\n`,
  )
})

test('the folder of a run in the place of its configuration is told which file that is', async () => {
  const { code, stderr } = await train(['--config', folder])
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /^evolmm: --config .*: must be a file that can be read, got .*; pass its run\.json: .*run\.json\n$/,
  )
})

test.each([[], ['infer'], ['eval'], ['report'], ['sync'], ['sft']])(
  'the help of %s fits into 80 columns',
  async (...command) => {
    const { code, stdout } = await runCommand([...command, '--help'], {
      terminal: true,
      environment: { NO_COLOR: '1' },
    })
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  },
)

test.each([
  ['resume', 'resume: must be the folder of a complete checkpoint, got x; y', '--resume: must be the folder'],
  ['manifest', 'manifest a.jsonl: must be of version 1, got 2; y', '--manifest a.jsonl: must be'],
  ['maxPixels', 'maxPixels: must be an integer, got x; y', '--max_pixels: must be'],
  ['resume', 'resumed: is no flag', 'resumed: is no flag'],
  ['targets', 'targets: must name a module, got foo; y', '--lora_targets: must name a module, got foo; y'],
  [
    'root',
    'root: must hold the same images, got others; y',
    '--data_dir: must hold the same images, got others',
  ],
  ['nobody', 'nobody: must know it; y', 'nobody: must know it; y'],
  [
    undefined,
    "a.json: must be writable, got EROFS: read-only file system, mkdir '/x; y'; check the path",
    'a.json: must be writable, got read-only file system (EROFS); check the path',
  ],
  [
    undefined,
    "a: must be writable, got ENOENT: no such file or directory, rename 'a' -> 'b'; check the path",
    'a: must be writable, got no such file or directory (ENOENT); check the path',
  ],
  [
    undefined,
    'a: must be writable, got ENOSPC: no space left on device, write; check the path',
    'a: must be writable, got no space left on device (ENOSPC); check the path',
  ],
])('errors of the library about %s name flags: %s', async (option, message, shown) => {
  const onTrain = () => {
    throw new EvolmmError('INVALID_OPTION', message, { details: { option } })
  }
  const { code, stderr } = await train(lora, { library: fakeLibrary({ onTrain }) })
  expect(code).toBe(2)
  expect(stderr).toContain(`\nevolmm: ${shown}`)
})

test("a reward of one's own is a function in a file, and is kept as such", async () => {
  const file = join(folder, 'own.mjs')
  writeFileSync(file, 'export const mine = (answers) => answers.map(() => 1)')
  const flags = [...lora, '--reward', `${file}#mine`]
  const { reward } = configOf((await train(flags)).calls)
  expect(reward).toBeTypeOf('function')
  const { config } = JSON.parse((await train([...flags, '--dry_run', '--json'])).stdout) as Shown
  expect(config.reward).toBe(`${file}#mine`)
  const wrong = await train([...lora, '--reward', `${file}#yours`])
  expect(wrong.stderr).toBe(
    `evolmm: --reward: must name a function that its file exports, such as #yours, got no such export; ${file} has mine\n`,
  )
})

test('errors of the library name the variable or the key that gave a setting', async () => {
  const onTrain = () => {
    throw new EvolmmError('NO_IMAGES', 'root: must hold an image', { details: { option: 'root' } })
  }
  const library = fakeLibrary({ onTrain })
  const environment = { DATA_DIR: images, SOLVER_MODEL: model }
  const { stderr } = await runCommand(['train', ...lora], { library, environment })
  expect(stderr).toMatch(/\nevolmm: DATA_DIR: must hold an image\n$/)
  const file = join(folder, 'named.json')
  writeFileSync(file, JSON.stringify({ data_dir: images, solver_model: model }))
  const filed = await runCommand(['train', '--config', file, ...lora], { library })
  expect(filed.stderr).toContain(`\nevolmm: ${file}: data_dir: must hold an image\n`)
})

test('folders to include that are not there are warned about', async () => {
  const { stderr } = await train(['--dry_run', '--include_subfolders', 'none-such'])
  expect(stderr).toContain(`warning: ${images}: has none of the folders to include`)
})

test('Ctrl-C while a model is downloaded ends the download', async () => {
  const server = createServer(() => {
    interrupt()
  }).listen(0)
  await once(server, 'listening')
  let interrupt = (): void => undefined
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  vi.stubEnv('HF_HOME', join(folder, 'hub'))
  const { code, stdout, stderr } = await train(
    [...lora, '--solver_model', 'org/slow', '--output_dir', folder, '--run_name', 'never-begun'],
    {
      library,
      onInterrupt: (handler) => {
        interrupt = handler
        return () => undefined
      },
    },
  )
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
  expect(stderr).toMatch(/note: stopping after saving; once more stops at once\n$/)
  expect(readdirSync(folder)).not.toContain('never-begun')
})

test('with the real library: two iterations on the tiny checkpoint, whatever the device has', async () => {
  // Where the page should go there is something else: what was learned is not worth less.
  mkdirSync(join(folder, 'r/report.html'), { recursive: true })
  const short = ['--total_steps', '2', '--max_new_tokens_solver', '4', '--max_new_tokens_proposer', '4']
  const { code, stdout, stderr } = await train(
    [...lora, ...short, '--output_dir', folder, '--run_name', 'r', '--device', 'cpu'],
    { library },
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${join(folder, 'r')}\n` })
  expect(stderr).toMatch(/\n2\/2, /)
  expect(stderr).toMatch(/\nwarning: report: .*; evolmm report .* makes it\nto ask it: .*\n$/)
  // The default targets name a module of other models, which is nobody's mistake.
  expect(stderr).not.toContain('matches nothing')
  // The configuration that was saved is one to begin with.
  const again = ['train', '--config', join(folder, 'r/run.json'), '--run_name', 's', '--dry_run', '--json']
  const { config, sources } = JSON.parse((await runCommand(again)).stdout) as Shown
  expect(config).toMatchObject({ run_name: 's', total_steps: 2, dtype: 'bfloat16', solver_model: model })
  expect(sources).toMatchObject({ run_name: 'flag', lr: 'file' })
})

test.each([80, 100])('the help reads well in %i columns', async (columns) => {
  const options = columns === 80 ? { terminal: true, environment: { NO_COLOR: '1' } } : {}
  const { code, stdout } = await runCommand(['train', '--help'], options)
  expect(code).toBe(0)
  await expect(stdout).toMatchFileSnapshot(`snapshots/train-help-${columns}.txt`)
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns)
  // No setting goes without a word, and none is told of twice.
  const flags = [...stdout.matchAll(/^ {2}--(?:\[no-\])?(\w+)/gm)].map(([, name]) => name)
  expect(new Set(flags).size).toBe(flags.length)
  const config = JSON.parse((await train(['--dry_run', '--json'])).stdout) as Shown
  for (const name of Object.keys(config.config)) expect(flags).toContain(name)
})
