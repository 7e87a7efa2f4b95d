/** Supervised learning on the tiny checkpoint. Gradients of packed questions: see `packed-questions.test.ts` of vlm. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AdamW, learningRate } from '@evolmm/rl-core'
import { writeSafetensors } from '@evolmm/safetensors'
import { resolve, type GivenOf } from '@evolmm/settings'
import { loadVlm, type Adapter, type Pixels } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  learningSettings,
  loadState,
  saveState,
  supervise,
  type SftExample,
  type SftRecord,
  type SftState,
  type SuperviseOptions,
} from '../src'
import { stepTargets } from '../src/step-targets'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const vlm = await loadVlm(
  fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url)),
  { threads: 1 },
)
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-warmup-'))
})
afterAll(async () => {
  await vlm.dispose()
  await rm(folder, { recursive: true })
})

const colors = { red: [220, 30, 30], green: [30, 170, 40], blue: [30, 50, 220] } as const

/** A square of one colour. */
function square(color: keyof typeof colors): Pixels {
  const data = Uint8Array.from({ length: 3 * 56 * 56 }, (_, i) => colors[color][i % 3])
  return ndarray(data, [56, 56, 3])
}

const lessons: SftExample[] = (['red', 'green', 'blue'] as const).map((color) => ({
  images: [square(color)],
  turns: [
    { prompt: 'Which color?', completion: `<answer>${color}</answer>` },
    { prompt: 'How many?', completion: '1' },
  ],
}))

/** Other examples at each step. */
const batchAt = (step: number) => [0, 1].map((i) => lessons[(step + i) % 3])

type Given = GivenOf<typeof learningSettings>

const settings = (more: Given = {}) =>
  resolve(learningSettings, {
    ...{ total_steps: 8, lr: 3e-3, warmup_steps: 2, min_lr: 3e-4, weight_decay: 0, seed: 0 },
    ...more,
  })

const run = (adapter: Adapter, given: Given = {}, parts: Partial<SuperviseOptions> = {}) =>
  supervise({ vlm, adapter, batchAt, settings: settings(given), ...parts })

async function collect(records: AsyncIterable<SftRecord>): Promise<SftRecord[]> {
  const all = []
  for await (const record of records) all.push(record)
  return all
}

const whole = () => vlm.trainWeights({ vision: true })

test.each([
  ['all weights, the vision tower included', whole, 3e-3],
  ['LoRA on the language model', () => Promise.resolve(vlm.createAdapter({ rank: 8, seed: 1 })), 1e-2],
] as const)('%s: thirty steps on a handful of examples halve the loss', async (_, make, lr) => {
  const records = await collect(run(await make(), { total_steps: 30, lr }, { batchAt: () => lessons }))
  expect(records.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (__, i) => i + 1))
  expect(records[29].loss).toBeLessThan(records[0].loss / 2)
})

test.each([
  ['token', (nll: number[][]) => mean(nll.flat())],
  ['answer', (nll: number[][]) => mean(nll.map(mean))],
] as const)(
  'average %s: a step is that of AdamW on the mean over separate prompts',
  async (average, loss) => {
    const ours = await whole()
    const [record] = await collect(
      run(ours, {
        ...{ average, total_steps: 1, warmup_steps: 0 },
        ...{ beta1: 0.8, beta2: 0.9, weight_decay: 0.1, grad_clip: 0.5 },
      }),
    )
    const adapter = await whole()
    const groups = await Promise.all(
      batchAt(0).flatMap(({ images: [image], turns }) =>
        turns.map(async ({ prompt, completion }) => {
          const ids = Int32Array.from(vlm.tokenizer.encode(`${completion as string}<|im_end|>`))
          return {
            prompt: vlm.prompt({ images: [await vlm.encodeImage(image)], prompt }),
            completions: [{ ids }],
          }
        }),
      ),
    )
    const separate = await Promise.all(
      groups.map((group) =>
        vlm.gradient({ groups: [group], adapter, normalization: 'sum', objective: 'supervised' }),
      ),
    )
    const nll = separate.map(({ completions }) =>
      [...(completions[0]?.[0].logProbabilities ?? [])].map((x) => -x),
    )
    expect(Math.abs(record.loss / loss(nll) - 1)).toBeLessThan(1e-5)
    const tokens = nll.flat().length
    const gradient = adapter.parameters.map((_, i) =>
      separate.reduce(
        (sum, one, g) => sum + one.gradient[i] / (average === 'token' ? tokens : nll.length * nll[g].length),
        0,
      ),
    )
    const optimizer = new AdamW({ size: gradient.length, betas: [0.8, 0.9], weightDecay: 0.1, clip: 0.5 })
    const { gradientNorm } = optimizer.step(adapter.parameters, gradient, { lr: 3e-3 })
    expect(Math.abs(record.gradientNorm / gradientNorm - 1)).toBeLessThan(1e-5)
    expect(record).toMatchObject({
      step: 1,
      images: 2,
      answers: 4,
      tokens,
      learningRate: 3e-3,
      skipped: false,
    })
    // The first step of AdamW divides a gradient by its own size, so elements of next to none are of any sign.
    const sure = [...gradient.keys()].filter((i) => Math.abs(gradient[i]) > 1e-5 * gradientNorm)
    expect(sure.length).toBeGreaterThan(gradient.length / 2)
    for (const i of sure)
      if (Math.abs(ours.parameters[i] - adapter.parameters[i]) > 1e-5) expect.fail(`parameter ${i}`)
  },
)

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test('micro-batches of any size add up to the step of the whole batch, whatever they hold', async () => {
  const uneven: SftExample[] = [
    lessons[0],
    {
      ...lessons[1],
      turns: [...lessons[1].turns, { prompt: 'Is it dark?', completion: 'Yes, it is quite dark.' }],
    },
    lessons[2],
  ]
  for (const average of ['token', 'answer'] as const) {
    const step = async (micro_batch_size: number | null) => {
      const adapter = vlm.createAdapter({ rank: 4, seed: 3 })
      const given = { average, micro_batch_size, total_steps: 1, warmup_steps: 0, grad_clip: 0 }
      const [record] = await collect(run(adapter, given, { batchAt: () => uneven }))
      return { ...record, moments: adapter.parameters }
    }
    const whole = await step(null)
    for (const size of [1, 2]) {
      const parts = await step(size)
      expect(Math.abs(parts.loss / whole.loss - 1)).toBeLessThan(1e-5)
      expect(Math.abs(parts.gradientNorm / whole.gradientNorm - 1)).toBeLessThan(1e-5)
      expect(parts).toMatchObject({ answers: 7, tokens: whole.tokens, images: 3 })
    }
  }
})

test('a value head learns what steps are worth, each token the value of the step in which it ends', async () => {
  const turn = {
    prompt: 'Which color?',
    completion: 'It looks red.\nSo it is red.',
    steps: [
      { end: 14, value: 1 },
      { end: 27, value: 0.25 },
    ],
  }
  const example: SftExample = { images: [square('red')], turns: [turn] }
  const ids = vlm.tokenizer.encode(`${turn.completion}<|im_end|>`)
  // The text up to each token, and so the step of each, without our own reading of places.
  const worth = ids.map((_, i) => (vlm.tokenizer.decode(ids.slice(0, i + 1)).length <= 14 ? 1 : 0.25))
  expect(new Set(worth).size).toBe(2)
  expect([...stepTargets(vlm.tokenizer, ids, turn.steps)]).toEqual(worth)

  const adapter = vlm.addValueHead(vlm.createAdapter({ rank: 8, seed: 1 }))
  const records = await collect(
    run(adapter, { total_steps: 60, lr: 1e-2, average: 'answer' }, { batchAt: () => [example] }),
  )
  const squares = worth.map((value) => value ** 2)
  expect(records[0].loss).toBeCloseTo(mean(squares), 5)
  const group = vlm.group({ images: [await vlm.encodeImage(square('red'))], turns: [turn] })
  const { completions } = await vlm.score({ groups: [group], adapter })
  const values = [...(completions[0][0].values ?? [])]
  expect(values).toHaveLength(worth.length)
  expect(mean(values.map((value, i) => (value - worth[i]) ** 2))).toBeLessThan(0.02)
})

test.each([
  [[], 'at least one'],
  [[{ end: 0, value: 1 }], 'steps[0].end'],
  [
    [
      { end: 4, value: 1 },
      { end: 4, value: 1 },
    ],
    'steps[1].end',
  ],
  [[{ end: 4, value: Number.NaN }], 'steps[0].value'],
])('steps %j are refused', (steps, said) => {
  expect(() => stepTargets(vlm.tokenizer, [1, 2], steps)).toThrow(said)
})

test('learning rates are those of the schedule', async () => {
  const records = await collect(run(vlm.createAdapter({ rank: 1 }), { lr_scheduler: 'linear' }))
  const rate = learningRate({ schedule: 'linear', base: 3e-3, warmupSteps: 2, totalSteps: 8, minimum: 3e-4 })
  expect(records.map((record) => record.learningRate)).toEqual(records.map((_, step) => rate(step)))
})

test('a run that goes on from a saved state makes the same steps, bit for bit', async () => {
  const straight = await whole()
  const all = run(straight)
  const records = await collect(all)

  const file = join(folder, 'state.safetensors')
  const first = run(await whole())
  const before: SftRecord[] = []
  for await (const record of first) {
    before.push(record)
    if (record.step === 3) break
  }
  await saveState(file, first.state)
  const state = await loadState(file)
  expect(bytesOf(state)).toEqual(bytesOf(first.state))

  const resumed = await whole()
  const rest = run(resumed, {}, { state })
  const after = await collect(rest)
  const timeless = (list: SftRecord[]) => list.map((record) => ({ ...record, seconds: 0 }))
  expect(timeless([...before, ...after])).toEqual(timeless(records))
  expect(resumed.parameters).toBe(rest.state.parameters)
  expect(bytesOf(rest.state)).toEqual(bytesOf(all.state))
  expect(await collect(run(resumed, {}, { state: rest.state }))).toEqual([])
})

/** Vectors as text, since comparing them number by number takes seconds. */
const bytesOf = ({ step, parameters, optimizer }: SftState) => [
  [step, optimizer.step],
  ...[parameters, optimizer.first, optimizer.second].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  ),
]

test('a signal ends the loop between two steps, and what was done is kept', async () => {
  const stop = new AbortController()
  const adapter = vlm.createAdapter({ rank: 2 })
  const one = run(adapter, {}, { signal: stop.signal })
  const steps: number[] = []
  for await (const { step } of one) {
    steps.push(step)
    if (step === 2) stop.abort()
  }
  expect(steps).toEqual([1, 2])
  expect(one.state.step).toBe(2)
  expect(await collect(run(adapter, {}, { state: one.state }))).toHaveLength(6)
})

test('a signal that comes while images are encoded leaves their step undone', async () => {
  const stop = new AbortController()
  const gradient = vi.fn(vlm.gradient)
  const encodeImage: typeof vlm.encodeImage = (...image) => {
    stop.abort()
    return vlm.encodeImage(...image)
  }
  const one = run(
    vlm.createAdapter({ rank: 2 }),
    {},
    { signal: stop.signal, vlm: { ...vlm, gradient, encodeImage } },
  )
  expect(await collect(one)).toEqual([])
  expect(gradient).not.toHaveBeenCalled()
  expect(one.state.step).toBe(0)
})

test('while the vision tower is trained, its base is not run', async () => {
  const encodeImage = vi.fn(vlm.encodeImage)
  const watched = { ...vlm, encodeImage }
  await collect(run(await whole(), { total_steps: 1, warmup_steps: 0 }, { vlm: watched }))
  for (const [, options] of encodeImage.mock.calls) expect(options).toEqual({ features: false })
  encodeImage.mockClear()
  await collect(run(vlm.createAdapter({ rank: 1 }), { total_steps: 1, warmup_steps: 0 }, { vlm: watched }))
  expect(encodeImage.mock.calls.map(([, options]) => options?.features)).toEqual([true, true])
})

const anything = (value: unknown) => value as never

test.each([
  ['no steps', { total_steps: 0 }, {}, /^total_steps: .*at least 1, got 0/],
  ['an unknown schedule', { lr_scheduler: anything('step') }, {}, /^lr_scheduler: must be one of/],
  ['an unknown average', { average: anything('all') }, {}, /^average: must be one of token, answer/],
  ['a negative rate', { lr: -1 }, {}, /^lr: /],
  ['a rise that never ends', { warmup_steps: 9 }, {}, /^warmup_steps: must be at most total_steps/],
  ['settings that nobody resolved', {}, { settings: anything({ lr: 1 }) }, /^settings: must be those of/],
  ['a state beyond the end', {}, { state: stateOf(9, 4) }, /^state.step: .*to 8, got 9/],
  ['a state of another adapter', {}, { state: stateOf(1, 4) }, /^state|optimizer/],
] as [string, Given, Partial<SuperviseOptions>, RegExp][])(
  '%s: refused before anything is done',
  (_, given, parts, message) => {
    expect(() => run(vlm.createAdapter({ rank: 1 }), given, parts)).toThrow(message)
  },
)

function stateOf(step: number, size: number): SftState {
  const vector = () => new Float32Array(size)
  return { step, parameters: vector(), optimizer: { step, first: vector(), second: vector() } }
}

test.each([
  ['examples without turns', [{ ...lessons[0], turns: [] }], 'INVALID_OPTION'],
  ['an image that is not there', [{ ...lessons[0], images: ['/nowhere.png'] }], 'IMAGE_UNREADABLE'],
  ['no examples', [], 'INVALID_OPTION'],
  ['an example with an unknown name', [anything({ image: square('red'), turns: [] })], 'INVALID_OPTION'],
])('%s are one typed error, and nothing has moved', async (_, examples, code) => {
  const adapter = vlm.createAdapter({ rank: 1 })
  const before = adapter.parameters.slice()
  const one = run(adapter, {}, { batchAt: () => examples })
  await expect(collect(one)).rejects.toMatchObject({ name: 'EvolmmError', code })
  expect(adapter.parameters.join()).toBe(before.join())
  expect(one.state.step).toBe(0)
})

test('a file that holds something else is refused', async () => {
  const file = join(folder, 'other.safetensors')
  const values = new Float32Array(2)
  const vectors = (names: string[]) => names.map((name) => ({ name, shape: [2], values }))
  await writeSafetensors(file, vectors(['parameters', 'first']))
  await expect(loadState(file)).rejects.toMatchObject({ code: 'INVALID_STATE' })
  const other = { name: 'first', shape: [1], values: new Float32Array(1) }
  await writeSafetensors(file, [...vectors(['parameters', 'second', 'steps']), other])
  await expect(loadState(file)).rejects.toMatchObject({ code: 'INVALID_STATE' })
  const whole = { parameters: [1, 2], first: [1, 2], second: [1, 2], steps: [1, 1] }
  for (const damage of [
    { second: [1, -1] },
    { second: [1, NaN] },
    { first: [Infinity, 1] },
    { parameters: [1, NaN] },
    { steps: [1.5, 1] },
    { steps: [1, -1] },
  ]) {
    const entries = Object.entries({ ...whole, ...damage })
    await writeSafetensors(
      file,
      entries.map(([name, list]) => ({ name, shape: [2], values: Float32Array.from(list) })),
    )
    await expect(loadState(file), JSON.stringify(damage)).rejects.toMatchObject({ code: 'INVALID_STATE' })
  }
  await writeFile(file, 'half')
  await expect(loadState(file)).rejects.toMatchObject({ code: 'INVALID_SAFETENSORS' })
})
