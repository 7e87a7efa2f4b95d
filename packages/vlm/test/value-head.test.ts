/** A head that scores tokens: its values beside PyTorch's logits, its gradient beside finite differences. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdamW } from '@evolmm/rl-core'
import { adapterArrays, type Adapter, type GradientOptions } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { coded } from './prompt-checkpoint'
import { largestDifference, relativeDistance } from './support/compare'
import { casePrompt, completionOf, partsOf, referenceAdapter, referenceCase, vlm } from './support/loaded'
import { referenceTensor } from './support/reference'
import { floats, makeFolder, readRaw, sameBytes, take, tinyFolder, writeRaw } from './support/safetensors'
import { sharePrograms } from './support/share-programs'

sharePrograms()

const names = ['c0', 'c1', 'c2', 'c3'] as const
const [c0, c1, c2, c3] = await Promise.all(names.map((name) => casePrompt(vlm, name)))
const prompts = { c0, c1, c2, c3 }
const [vocabulary, width] = [640, 64]
/** The model's own head, which is its embeddings [V, D]. */
const embeddings = floats(
  take(await readRaw(join(tinyFolder, 'model.safetensors')), 'model.embed_tokens.weight').data,
)

const headOf = (adapter: Adapter) => adapterArrays(adapter).get('score.weight')?.data as Float32Array

/** An adapter that trains much of the model, with a head that is some row of a table. */
function headed(from: Adapter = referenceAdapter(vlm), row = 5): Adapter {
  const adapter = vlm.addValueHead(from)
  headOf(adapter).set(embeddings.subarray(row * width, (row + 1) * width))
  return adapter
}

test.each(names)(
  '%s: the value of a token is what PyTorch has in its place, where the head is a row of the model’s own',
  async (name) => {
    const { prompt_ids: before } = referenceCase(name)
    const completion = completionOf(name)
    const logits = referenceTensor(`${name}.logits`)
    for (const word of [5, 77, 301]) {
      // An adapter that changes nothing yet.
      const adapter = headed(vlm.createAdapter({ rank: 2, seed: 1 }), word)
      const { completions } = await vlm.score({
        groups: [{ prompt: prompts[name], completions: [completion] }],
        adapter,
      })
      const want = Array.from(completion.ids, (_, i) => logits[(before.length + i) * vocabulary + word])
      expect(largestDifference(completions[0][0].values ?? [], want)).toBeLessThan(5e-5)
      expect(completions[0].values.shape).toEqual([1, completion.ids.length])
      expect(completions[0][0].logProbabilities).toHaveLength(0)
    }
  },
)

test('a new head says 0, and the rest of the adapter is a copy of what it was', async () => {
  const from = referenceAdapter(vlm)
  const adapter = vlm.addValueHead(from)
  expect(adapter.parameters.subarray(0, from.parameters.length)).toEqual(from.parameters)
  expect(adapter.trainable.layout.entries.at(-1)).toMatchObject({ name: 'score.weight', shape: [1, width] })
  const groups = [{ prompt: c0, completions: [completionOf('c0')] }]
  const { completions, nll, kl } = await vlm.score({ groups, adapter, kl: true })
  expect([...(completions[0][0].values ?? [])]).toEqual(new Array(9).fill(0))
  expect([nll, kl]).toEqual([NaN, NaN])
  from.parameters.fill(0)
  expect(adapter.parameters[0]).not.toBe(0)
})

/** Targets that differ from token to token. */
const wanted = (length: number, shift = 0) => Float32Array.from({ length }, (_, i) => Math.sin(i + shift))

const groupsOf = (): GradientOptions['groups'] => [
  {
    prompt: c0,
    completions: [completionOf('c0'), completionOf('c3'), completionOf('c0')],
    targets: [wanted(9), wanted(8, 1), wanted(9, 2)],
  },
  { prompt: c2, completions: [completionOf('c2')], targets: [wanted(15, 3)] },
]

/** The loss in float64, from what `score` says. */
async function lossOf(
  adapter: Adapter,
  { groups, normalization = 'token-mean' }: Pick<GradientOptions, 'groups' | 'normalization'>,
): Promise<number> {
  const { completions } = await vlm.score({ groups, adapter })
  const all = groups.flatMap(({ targets = [] }, g) =>
    targets.map((list, c) => {
      const squares = Array.from(list, (target, i) => ((completions[g][c].values?.[i] ?? NaN) - target) ** 2)
      const sum = squares.reduce((total, square) => total + square, 0)
      if (typeof normalization === 'object') return sum / normalization.fixedLength
      return normalization === 'sum' ? sum : sum / squares.length
    }),
  )
  return all.reduce((sum, loss) => sum + loss, 0) / all.length
}

test.each([['token-mean'], ['sum'], [{ fixedLength: 12 }]] as [GradientOptions['normalization']][])(
  'the loss is the mean over completions of their squared distances (%j), equal ones with targets of their own',
  async (normalization) => {
    const adapter = headed()
    const groups = groupsOf()
    const { loss, completions, samplerGap } = await vlm.gradient({
      groups,
      adapter,
      objective: 'squared-error',
      normalization,
    })
    const want = await lossOf(adapter, { groups, normalization })
    expect(Math.abs(loss / want - 1)).toBeLessThan(1e-5)
    const scored = (await vlm.score({ groups, adapter })).completions
    for (const [g, group] of scored.entries())
      for (const [c, { values }] of group.entries())
        expect(largestDifference(completions[g]?.[c].values ?? [], values ?? [])).toBeLessThan(1e-5)
    expect(samplerGap).toBeUndefined()
  },
)

test.each([[false], [true]])(
  'the gradient is the slope of the loss along every tensor, checkpointed %j',
  async (checkpointed) => {
    const adapter = headed()
    const groups = groupsOf()
    const { gradient } = await vlm.gradient({ groups, adapter, objective: 'squared-error', checkpointed })
    const parts = partsOf(adapter, gradient)
    const norms = parts.map(([, values]) => Math.hypot(...values))
    // The head, and tensors of the language model and of the vision tower.
    const largest = parts.map(([name], i) => ({ name, norm: norms[i] })).sort((a, b) => b.norm - a.norm)
    const some = new Set(['score.weight', ...largest.slice(0, 6).map(({ name }) => name)])
    const visual = largest.find(({ name }) => name.includes('visual'))?.name ?? ''
    expect(visual).not.toBe('')
    for (const name of [...some, visual]) {
      const own = parts.find(([each]) => each === name)?.[1] ?? new Float32Array()
      const norm = Math.hypot(...own)
      // Along the gradient the slope is its norm.
      const step = 2e-3 * (1 / Math.max(1, norm))
      const moved = async (by: number) => {
        const other = { ...adapter, parameters: adapter.parameters.slice() }
        const values = partsOf(other, other.parameters).find(([each]) => each === name)?.[1]
        values?.forEach((value, i) => (values[i] = value + (by * own[i]) / norm))
        return lossOf(other, { groups })
      }
      const slope = ((await moved(step)) - (await moved(-step))) / (2 * step)
      expect(Math.abs(slope / norm - 1), name).toBeLessThan(5e-3)
    }
  },
)

test('the gradient of the head is that of a linear model of what it reads', async () => {
  const adapter = headed()
  const groups = [{ prompt: c0, completions: [completionOf('c0')], targets: [wanted(9)] }]
  const { gradient, completions } = await vlm.gradient({ groups, adapter, objective: 'squared-error' })
  const own = partsOf(adapter, gradient).at(-1)?.[1] ?? new Float32Array()
  const values = completions[0]?.[0].values ?? []
  const want = new Float32Array(width)
  for (let d = 0; d < width; d++) {
    // A head of one 1 reads one number of the hidden states.
    const reading = vlm.addValueHead(referenceAdapter(vlm))
    headOf(reading)[d] = 1
    const hidden = (await vlm.score({ groups, adapter: reading })).completions[0][0].values ?? []
    for (let i = 0; i < 9; i++) want[d] += (2 / 9) * (values[i] - wanted(9)[i]) * hidden[i]
  }
  expect(relativeDistance(own, want)).toBeLessThan(1e-5)
})

test('context that is given has no value and no target; packed questions are separate ones', async () => {
  const adapter = headed()
  const image = c0.images[0]
  const turns = ['How many bars?', 'Which is the tallest?'].map((prompt, i) => ({
    prompt,
    completion: completionOf(names[i]),
  }))
  const packed = vlm.group({ images: [image], turns })
  const targets = [wanted(9), wanted(16, 1)]
  const [together, apart] = await Promise.all([
    vlm.gradient({ groups: [{ ...packed, targets }], adapter, objective: 'squared-error' }),
    vlm.gradient({
      groups: turns.map((turn, i) => ({
        ...vlm.group({ images: [image], turns: [turn] }),
        targets: [targets[i]],
      })),
      adapter,
      objective: 'squared-error',
    }),
  ])
  expect(together.completions[0]?.map(({ values }) => values?.length)).toEqual([9, 16])
  expect(Math.abs(together.loss / apart.loss - 1)).toBeLessThan(1e-5)
  expect(relativeDistance(together.gradient, apart.gradient)).toBeLessThan(1e-4)
})

test('steps of the optimizer bring values to their targets, with all weights too', async () => {
  // Equal completions with other targets would leave a loss that nobody can learn away.
  const groups = [{ prompt: c0, completions: [completionOf('c0')], targets: [wanted(9)] }]
  for (const from of [vlm.createAdapter({ rank: 4, seed: 1 }), await vlm.trainWeights()]) {
    const adapter = headed(from)
    const optimizer = new AdamW({ size: adapter.parameters.length, lr: 1e-2 })
    const losses: number[] = []
    for (let step = 0; step < 30; step++) {
      const { loss, gradient } = await vlm.gradient({ groups, adapter, objective: 'squared-error' })
      losses.push(loss)
      optimizer.step(adapter.parameters, gradient)
    }
    expect(losses[29]).toBeLessThan(losses[0] / 10)
  }
})

const completion = completionOf('c0')
const plain = vlm.createAdapter({ rank: 2 })
const valued = headed(plain)
const asked = (changes: object, more: Partial<GradientOptions> = {}): GradientOptions => ({
  groups: [{ prompt: c0, completions: [completion], ...changes }],
  adapter: valued,
  objective: 'squared-error',
  ...more,
})

test.each([
  [
    'no targets',
    asked({}),
    /^groups\[0\].targets: must be a list for each of the 1 completions, got undefined/,
  ],
  ['too few', asked({ targets: [] }), /^groups\[0\].targets: .* got 0/],
  [
    'of another length',
    asked({ targets: [wanted(8)] }),
    /targets\[0\]: must be one for each of the 9 .* got 8/,
  ],
  ['no numbers', asked({ targets: [new Array(9).fill('1')] }), /targets\[0\]: must be a finite number/],
  ['NaN', asked({ targets: [new Array(9).fill(NaN)] }), /targets\[0\]: must be a finite number/],
  ['null', asked({ targets: null }), /^groups\[0\].targets: .* got object/],
  ['advantages too', asked({ targets: [wanted(9)], advantages: [1] }), /^advantages: must be left out/],
  ['a divergence too', asked({ targets: [wanted(9)] }, { beta: 0.1 }), /^beta: must be 0 for a value head/],
  [
    'another objective',
    asked({}, { objective: 'reinforce' }),
    /^objective: must be squared-error for a value/,
  ],
  ['no head', asked({ targets: [wanted(9)] }, { adapter: plain }), /^objective: must go with a value head/],
  [
    'targets for a policy',
    asked({ targets: [wanted(9)] }, { adapter: plain, objective: undefined }),
    /^targets:/,
  ],
] as [string, GradientOptions, RegExp][])('refused: %s', async (_, options, message) => {
  await expect(vlm.gradient(options)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(message) as string,
  })
})

test('an adapter has one value head at most, and a checkpoint has no place for it', async () => {
  expect(() => vlm.addValueHead(valued)).toThrow(/^adapter: must be without a value head/)
  await expect(vlm.saveMerged(join(await makeFolder(), 'saved'), valued)).rejects.toMatchObject({
    code: 'INVALID_ADAPTER',
    message: expect.stringMatching(/^score.weight: must be left out of a checkpoint/) as string,
  })
})

test('a folder of PEFT has it in a file of its own, under the names of TRL, and gives it back bit for bit', async () => {
  const root = await makeFolder()
  const [own, without] = [join(root, 'own'), join(root, 'without')]
  const from = referenceAdapter(vlm)
  const adapter = headed(from)
  await vlm.saveAdapter(own, adapter)
  await vlm.saveAdapter(without, from)
  // To PEFT it is the same folder.
  expect((await readdir(own)).sort()).toEqual([...(await readdir(without)), 'value_head.safetensors'].sort())
  for (const name of await readdir(without))
    expect((await readFile(join(own, name))).equals(await readFile(join(without, name))), name).toBe(true)
  const stored = await readRaw(join(own, 'value_head.safetensors'))
  expect([...stored.keys()].sort()).toEqual(['v_head.summary.bias', 'v_head.summary.weight'])
  expect(floats(take(stored, 'v_head.summary.weight').data)).toEqual(headOf(adapter))
  expect(floats(take(stored, 'v_head.summary.bias').data)).toEqual(Float32Array.of(0))

  const again = await vlm.loadAdapter(own)
  expect(again.trainable.layout).toEqual(adapter.trainable.layout)
  expect(sameBytes(again.parameters, adapter.parameters)).toBe(true)
  const groups = [{ prompt: c0, completions: [completion] }]
  const [want, got] = [await vlm.score({ groups, adapter }), await vlm.score({ groups, adapter: again })]
  expect(got.completions[0][0].values).toEqual(want.completions[0][0].values)

  // A policy that replaces it leaves no head behind, and a named adapter has its own.
  await vlm.saveAdapter(own, from, { overwrite: true })
  expect((await vlm.loadAdapter(own)).parameters).toHaveLength(from.parameters.length)
  await vlm.saveAdapter(own, adapter, { name: 'reward' })
  const named = await vlm.loadAdapter(own, { adapterName: 'reward' })
  expect(sameBytes(named.parameters, adapter.parameters)).toBe(true)
})

const tensor = (shape: number[], values: number[] | Float32Array = new Array<number>(width).fill(1)) => {
  const { buffer, byteLength } = Float32Array.from(values)
  return { dtype: 'F32', shape, data: new Uint8Array(buffer, 0, byteLength) }
}

test.each([
  [
    'of another width',
    { 'v_head.summary.weight': tensor([1, 2], [1, 2]) },
    'INVALID_ADAPTER',
    /\[1, 64\] .* got \[1, 2\]/,
  ],
  [
    'without weights',
    { 'v_head.summary.bias': tensor([1], [0]) },
    'INVALID_ADAPTER',
    /weight must be .* got none/,
  ],
  [
    'with a bias',
    { 'v_head.summary.weight': tensor([1, width]), 'v_head.summary.bias': tensor([1], [0.5]) },
    'UNSUPPORTED_ADAPTER',
    /bias must be 0/,
  ],
  [
    'with another layer',
    { 'v_head.summary.weight': tensor([1, width]), 'v_head.dense.weight': tensor([1, width]) },
    'UNSUPPORTED_ADAPTER',
    /got "v_head.dense.weight"/,
  ],
])('a head %s is refused', async (_, tensors, code, message) => {
  const folder = join(await makeFolder(), 'adapter')
  await vlm.saveAdapter(folder, plain)
  await writeRaw(join(folder, 'value_head.safetensors'), new Map(Object.entries(tensors)))
  await expect(vlm.loadAdapter(folder)).rejects.toThrow(coded(code, message))
})

test('its programs can be exported', async () => {
  const files = await vlm.exportPrograms(await makeFolder(), valued)
  expect(files.map((file) => file.replace(/.*\//, '')).sort()).toContain('gradient.onnx')
})
