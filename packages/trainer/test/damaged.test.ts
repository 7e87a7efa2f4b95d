/** Checkpoints and logs that say what no run says: refused by name, and nothing of the run is touched. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findCheckpoints } from '@evolmm/runs'
import { readSafetensors, writeSafetensors } from '@evolmm/safetensors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { train } from '../src/index'
import { content } from './support/content'
import { doneRun, type DoneRun } from './support/done-run'
import { tinyTrain } from './support/tiny-train'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

let run: DoneRun
beforeAll(async () => {
  run = await doneRun()
})
afterAll(() => run.remove())

async function expectRefused(folder: string, code: string, message: RegExp): Promise<void> {
  const before = await content(folder)
  await expect(train(tinyTrain(folder, run.images.folder, { total_steps: 6 }))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  })
  expect(await content(folder)).toEqual(before)
}

async function changeTensor(file: string, name: string, place: number, value: number): Promise<void> {
  const tensors = await readSafetensors(file)
  const array = tensors.get(name)
  if (array === undefined) throw new Error(`${file} has no ${name}`)
  array.data[place] = value
  await writeSafetensors(file, tensors)
}

test.each([
  [
    'solver.second',
    -1,
    /"solver\.second" must have no value below 0, got -1 at place 3; move .*step_00004 away/,
  ],
  ['solver.second', NaN, /"solver\.second" must have finite numbers alone, got NaN at place 3/],
  ['proposer.second', Infinity, /"proposer\.second" must have finite numbers alone, got Infinity at place 3/],
  ['solver.first', -Infinity, /"solver\.first" must have finite numbers alone, got -Infinity at place 3/],
])('a checkpoint with %s %d is refused', async (name, value, message) => {
  const folder = await run.copy()
  await changeTensor(join(folder, 'step_00004/optimizer.safetensors'), name, 3, value)
  await expectRefused(folder, 'INVALID_CHECKPOINT', message)
})

test('so is one whose adapter holds a number that is none', async () => {
  const folder = await run.copy()
  const file = join(folder, 'step_00004/solver/adapter_model.safetensors')
  const [name = ''] = [...(await readSafetensors(file)).keys()]
  await changeTensor(file, name, 5, NaN)
  await expectRefused(folder, 'INVALID_ADAPTER', /must hold finite numbers, got NaN at place 5/)
})

interface State {
  step: number
  solver: Record<string, unknown>
  watch: Record<string, unknown>
  dataset: Record<string, unknown>
}

test.each<[string, (state: State) => unknown, string, RegExp]>([
  [
    'another step',
    (state) => (state.step = 2),
    'INVALID_CHECKPOINT',
    /be of the step that its name says, got step 2/,
  ],
  ['a step below 0', (state) => (state.step = -4), 'INVALID_CHECKPOINT', /got step -4/],
  ...(
    [
      ['kind', 'LoRA'],
      ['kind', undefined],
      ['baseline', { baseline: 'x' }],
      ['baseline', 3],
      ['kl', { coefficient: -1 }],
      ['kl', {}],
      ['updates', 1.5],
      ['updates', null],
      ['optimizer_step', -1],
      ['optimizer_step', '2'],
    ] as const
  ).map(([name, value]): [string, (state: State) => unknown, string, RegExp] => [
    `solver.${name} ${JSON.stringify(value)}`,
    (state) => (state.solver[name] = value),
    'INVALID_CHECKPOINT',
    new RegExp(`must have .* as its solver\\.${name}, got `),
  ]),
  [
    'no role',
    (state) => ((state as unknown as Record<string, unknown>).solver = []),
    'INVALID_CHECKPOINT',
    /an object as its solver, got \[\]/,
  ],
  [
    'an empty watch',
    (state) => (state.watch = {}),
    'INVALID_CHECKPOINT',
    /as its watch\.questions, got nothing/,
  ],
  [
    'questions that are none',
    (state) => (state.watch.questions = [null]),
    'INVALID_CHECKPOINT',
    /as its watch\.questions, got \[null\]/,
  ],
  [
    'a watch without counts',
    (state) => (state.watch.collapse = {}),
    'INVALID_CHECKPOINT',
    /two counts as its watch\.collapse, got \{\}/,
  ],
  [
    'shares that are none',
    (state) => (state.watch.start = { shares: [1], mean: 0, count: 1, logProbability: null }),
    'INVALID_CHECKPOINT',
    /as its watch\.start, got /,
  ],
  [
    'a skipped image that is none',
    (state) => (state.dataset.skipped = [null]),
    'STATE_INVALID',
    /must be what `dataset\.state` gave.*; or move .*step_00004 away/,
  ],
  ['a bad fingerprint', (state) => (state.dataset.fingerprint = 1), 'STATE_INVALID', /must be what `dataset/],
])('a trainer state with %s is refused', async (_, change, code, message) => {
  const folder = await run.copy()
  const file = join(folder, 'step_00004/trainer_state.json')
  const state = JSON.parse(await readFile(file, 'utf8')) as State
  change(state)
  await writeFile(file, JSON.stringify(state))
  await expectRefused(folder, code, message)
})

test('weights that overflow are never saved', async () => {
  const folder = join(run.home, 'overflow')
  await expect(
    train(tinyTrain(folder, run.images.folder, { save_every: 1, lr: 1e39, grad_clip: 1 })),
  ).rejects.toMatchObject({
    code: 'NOT_FINITE',
    message: expect.stringMatching(
      /^weight .*lora_.*: must have finite float32 numbers to be saved/,
    ) as string,
  })
  expect(await findCheckpoints(folder)).toEqual([])
  expect((await readdir(folder)).sort()).toEqual(['iter_log.jsonl', 'run.json'])
})
