/** `evolmm sft`, with the tiny checkpoint where numbers count and with a fake one where they do not. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { library } from '../src/installed-library'
import type { Library } from '../src/library'
import { drawChart, writeChartLines } from './support/charts'
import { fakeLibrary } from './support/fake-library'
import { given, runCommand, type RunOptions } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
let folder: string
let data: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  data = writeChartLines(folder, await Promise.all([0, 1, 2].map(drawChart)))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const learn = (out: string, more: readonly string[] = [], options: RunOptions = { library }) =>
  runCommand(
    [
      ...['sft', '--model', model, '--threads', '1', '--data', data, '--output_dir', join(folder, out)],
      ...['--total_steps', '6', '--batch_size', '2', '--lr', '3e-3', '--warmup-steps', '1', ...more],
    ],
    options,
  )

const fake = (out: string, more: readonly string[] = []) => learn(out, more, { library: fakeLibrary() })

const log = (out: string) =>
  readFileSync(join(folder, out, 'warmup_log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; loss: number; answers: number })

/** The library, with something that happens when a gradient is asked for. */
function watching(onGradient: (count: number) => void): Library {
  let count = 0
  return {
    ...library,
    loadVlm: async (...args) => {
      const vlm = await library.loadVlm(...args)
      return {
        ...vlm,
        gradient: (options) => {
          onGradient(++count)
          return vlm.gradient(options)
        },
      }
    },
  }
}

test('a checkpoint is written at the end, and a run that was killed and stopped comes to the same bytes', async () => {
  const { code, stdout, stderr } = await learn('straight', ['--no-freeze-vision'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${join(folder, 'straight')}\n` })
  expect(stderr).toMatch(/100 % of 6 steps, loss \d+\.\d{4}, 0 s left\n$/)
  const records = log('straight')
  expect(records.map(({ step, answers }) => [step, answers])).toEqual(
    [1, 2, 3, 4, 5, 6].map((step) => [step, 4]),
  )
  expect(records[5].loss).toBeLessThan(records[0].loss)

  const flags = ['--no-freeze-vision', '--save_every', '2']
  const kill = new Error('killed')
  const killed = await learn('resumed', flags, {
    library: watching((count) => {
      if (count === 4) throw kill
    }),
  })
  expect(killed.code).toBe(1)
  expect(existsSync(join(folder, 'resumed/config.json'))).toBe(false)
  let interrupt = (): void => undefined
  const stopped = await learn('resumed', flags, {
    onInterrupt: (handler) => {
      interrupt = handler
      return () => undefined
    },
    library: watching((count) => {
      if (count === 1) interrupt()
    }),
  })
  expect(stopped).toMatchObject({ code: 130, stdout: '' })
  expect(stopped.stderr).toMatch(/stopped; the same command continues from here\n$/)
  expect(log('resumed').map(({ step }) => step)).toEqual([1, 2, 3, 4])
  expect((await learn('resumed', flags)).code).toBe(0)
  const files = readdirSync(join(folder, 'straight')).filter((name) => !/^(warmup_log|run)/.test(name))
  expect(files).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']))
  for (const name of files)
    expect(
      readFileSync(join(folder, 'resumed', name)).equals(readFileSync(join(folder, 'straight', name))),
      name,
    ).toBe(true)
  expect(log('resumed').map(({ loss }) => loss)).toEqual(records.map(({ loss }) => loss))
  expect(readdirSync(join(folder, 'resumed')).filter((name) => name.startsWith('step_'))).toEqual([])

  const again = await learn('resumed', flags)
  expect(again).toMatchObject({ code: 0, stdout: `${join(folder, 'resumed')}\n` })
  expect(again.stderr).toMatch(/^finished before/)
})

test('--use_lora writes an adapter that other commands take', async () => {
  expect(
    (await learn('adapter', ['--use_lora', '--lora_r', '4', '--lora_targets', 'q_proj,v_proj'])).code,
  ).toBe(0)
  const text = readFileSync(join(folder, 'adapter/adapter_config.json'), 'utf8')
  expect(JSON.parse(text)).toMatchObject({ r: 4, lora_alpha: 32 })
  const argv = ['score', '--model', model, '--adapter', join(folder, 'adapter'), '--prompt', 'x']
  expect((await runCommand([...argv, '--completion', 'y'], { library })).code).toBe(0)
})

test('all that is asked about an image is one example, in either form of a line', async () => {
  const file = join(folder, 'both.jsonl')
  writeFileSync(
    file,
    [
      { image: 'chart-0.png', question: 'How many?', answer: 3 },
      { image: 'chart-1.png', turns: [{ prompt: 'Describe.', completion: 'bars' }] },
      { image: 'chart-0.png', turns: [{ prompt: 'Ask.', completion: '<question>a?</question>' }] },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('\n'),
  )
  const { code, calls } = await fake('both', ['--data', file, '--total_steps', '1', '--system', 'Be brief.'])
  expect(code).toBe(0)
  const groups = calls.filter(([name]) => name === 'group').map(([, options]) => options)
  const one = [
    { prompt: 'How many?', completion: '<answer>3</answer>' },
    { prompt: 'Ask.', completion: '<question>a?</question>' },
  ]
  expect(groups).toHaveLength(2)
  for (const turns of [one, [{ prompt: 'Describe.', completion: 'bars' }]])
    expect(groups).toContainEqual(expect.objectContaining({ turns, system: 'Be brief.' }))
})

test('flags say what is trained', async () => {
  expect(given((await fake('a')).calls, 'trainWeights')).toEqual([{ vision: false }])
  expect(given((await fake('b', ['--no-freeze_vision'])).calls, 'trainWeights')).toEqual([{ vision: true }])
  const lora = ['--use_lora', '--lora_r', '8', '--lora_alpha', '4', '--lora_dropout', '0.1', '--seed', '7']
  const { calls } = await fake('c', [...lora, '--lora_targets', 'q_proj, mlp.0'])
  expect(given(calls, 'createAdapter')).toEqual([
    { rank: 8, alpha: 4, dropout: 0.1, targets: ['q_proj', 'mlp.0'], vision: false, seed: 7 },
  ])
  expect(calls.map(([name]) => name)).toContain('saveAdapter')
})

test('a folder of another run, or one that holds a model, is refused before a model is loaded', async () => {
  expect((await fake('taken')).code).toBe(0)
  const other = await fake('taken', ['--lr', '1e-4', '--seed', '1'])
  expect(other).toMatchObject({ code: 2, calls: [] })
  expect(other.stderr).toMatch(
    /^evolmm: \S*taken: .* got lr 0\.0001 instead of 0\.003, seed 1 instead of 42; go on with the old .*\n$/,
  )
  const full = join(folder, 'full')
  expect((await fake('full')).code).toBe(0)
  rmSync(join(full, 'run.json'))
  writeFileSync(join(full, 'config.json'), '{}')
  const over = await fake('full')
  expect(over).toMatchObject({ code: 2, calls: [] })
  expect(over.stderr).toMatch(/^evolmm: --output_dir: must not have config.json yet/)
})

test.each([
  ['not json', 'must be one JSON object, got "not json"'],
  ['[1]', 'must be one JSON object, got "[1]"'],
  ['{"question": "x", "answer": "y"}', 'image: must be one image or several, got no images'],
  ['{"image": "chart-0.png"}', 'question: must be a text, got nothing'],
  ['{"image": "chart-0.png", "question": "x"}', 'answer: must be a text or a list of texts, got nothing'],
  ['{"image": "chart-0.png", "question": "x", "answer": null}', 'answer: must be a text, got null'],
  ['{"image": "chart-0.png", "turns": []}', 'turns: must be a list of { prompt, completion }, got []'],
  [
    '{"image": "chart-0.png", "turns": [{"prompt": "x"}]}',
    'turns: must be a list of { prompt, completion }, got [{"prompt":"x"}]',
  ],
])('the line %s is refused with its number', async (line, message) => {
  const file = join(folder, 'bad.jsonl')
  writeFileSync(file, `{"image": "chart-0.png", "question": "x", "answer": "y"}\n\n${line}\n`)
  const { code, stderr, calls } = await fake('bad', ['--data', file])
  expect({ code, calls }).toEqual({ code: 2, calls: [] })
  expect(stderr).toContain(`bad.jsonl:3: ${message}`)
  expect(existsSync(join(folder, 'bad'))).toBe(false)
})

test.each([
  [
    ['--data', '/nowhere.jsonl'],
    /--data "\/nowhere.jsonl": must be a file that can be read, got no such file/,
  ],
  [['--lora_r', '4'], /--lora_r: must go with --use_lora, got 4 without; add that or leave this out/],
  [['--warmup_steps', '9'], /--warmup_steps: must be at most --total_steps, got 9 of 6, so that/],
  [['--lr', '1e-4', '--min_lr', '1e-3'], /--min_lr: .*at most 0\.0001/],
  [['--total_steps', '0'], /--total_steps: .*at least 1/],
  [['--lr_scheduler', 'step'], /--lr_scheduler: must be one of constant, linear, cosine/],
])('%j is refused', async (more, message) => {
  const { code, stderr, calls } = await fake('refused', more)
  expect({ code, calls }).toEqual({ code: 2, calls: [] })
  expect(stderr).toMatch(message)
})

test('an image that is not there, and a file without lines, are refused', async () => {
  const file = join(folder, 'empty.jsonl')
  writeFileSync(file, '\n')
  expect((await fake('none', ['--data', file])).stderr).toMatch(/at least one row/)
  writeFileSync(file, '{"image": "no.png", "question": "x", "answer": "y"}\n')
  expect((await fake('none', ['--data', file])).stderr).toMatch(/no\.png: must be an image/)
})
