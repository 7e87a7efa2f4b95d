/** What sampling and the learning pass do not take: one typed error each, and no program is built for it. */
import { join } from 'node:path'
import { initializeCheckpoint, loadVlm, type Adapter, type GradientOptions, type Prompt } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { coded } from './prompt-checkpoint'
import { casePrompt, completionOf, vlm } from './support/loaded'
import { tinyWith } from './support/tiny-with'
import { makeFolder, tinyFolder } from './support/safetensors'

const prompt = await casePrompt(vlm, 'c0')
const adapter = vlm.createAdapter({ rank: 2 })
const completion = completionOf('c0')
const ids = (...values: number[]) => ({ ids: Int32Array.from(values) })

/** What JavaScript callers can pass. */
const anything = (value: unknown) => value as never

const group = (changes: object) => ({
  groups: [{ prompt, completions: [completion], ...changes }],
})

const refusals: [string, Partial<GradientOptions>, string, RegExp][] = [
  ['no groups', { groups: [] }, 'INVALID_OPTION', /^groups: must hold at least one group, got none/],
  ['groups that are no list', { groups: anything(undefined) }, 'INVALID_OPTION', /^groups: .*got undefined/],
  ['no completions', group({ completions: [] }), 'INVALID_OPTION', /^groups\[0\].completions: .*got none/],
  ['completions left out', group({ completions: undefined }), 'INVALID_OPTION', /^groups\[0\].completions/],
  ['an empty completion', group({ completions: [ids()] }), 'INVALID_OPTION', /completions\[0\]: .*one token/],
  ['text', group({ completions: ['yes'] }), 'INVALID_OPTION', /completions\[0\]: must have "ids"/],
  ['a list of ids', group({ completions: [{ ids: [1] }] }), 'INVALID_OPTION', /an Int32Array/],
  ['an id too large', group({ completions: [ids(1, 640)] }), 'INVALID_OPTION', /at most 639, got 640/],
  ['an id below 0', group({ completions: [ids(-1)] }), 'INVALID_OPTION', /at least 0.*got -1/],
  [
    'log-probabilities of another length',
    group({ completions: [{ ...completion, logProbabilities: new Float32Array(2) }] }),
    'INVALID_OPTION',
    /9 tokens, got 2/,
  ],
  [
    'log-probabilities that are a plain list',
    group({ completions: [{ ...completion, logProbabilities: [...completion.ids].map(() => -1) }] }),
    'INVALID_OPTION',
    /finite number.*no Float32Array/,
  ],
  [
    'log-probabilities that are null',
    group({ completions: [{ ...completion, logProbabilities: null }] }),
    'INVALID_OPTION',
    /completions\[0\]: .*got null/,
  ],
  [
    'NaN as a log-probability',
    group({ completions: [{ ...completion, logProbabilities: new Float32Array(9).fill(NaN) }] }),
    'INVALID_OPTION',
    /finite number.*got NaN/,
  ],
  ['null as a group', { groups: anything([null]) }, 'INVALID_PROMPT', /^groups\[0\].prompt: .*undefined/],
  ['null as a completion', group({ completions: [null] }), 'INVALID_OPTION', /completions\[0\]: .*"ids"/],
  ['null as advantages', group({ advantages: null }), 'INVALID_OPTION', /advantages: .*got object/],
  [
    'too many advantages',
    group({ advantages: [1, 2] }),
    'INVALID_OPTION',
    /advantages: .*1 completions, got 2/,
  ],
  ['too few advantages', group({ advantages: [] }), 'INVALID_OPTION', /advantages: .*got 0/],
  ['NaN as an advantage', group({ advantages: [NaN] }), 'INVALID_OPTION', /advantages\[0\]: .*got NaN/],
  ['an infinite advantage', group({ advantages: [Infinity] }), 'INVALID_OPTION', /got Infinity/],
  ['advantages that are text', group({ advantages: ['1'] }), 'INVALID_OPTION', /got "1"/],
  [
    'a prompt that is text',
    group({ prompt: 'What?' }),
    'INVALID_PROMPT',
    /^groups\[0\].prompt: must come from/,
  ],
  ['no prompt', group({ prompt: undefined }), 'INVALID_PROMPT', /got undefined/],
  [
    'a prompt without tokens',
    group({ prompt: { ...prompt, ids: new Int32Array() } }),
    'INVALID_PROMPT',
    /got none/,
  ],
  [
    'a prompt of a larger vocabulary',
    group({ prompt: { ...prompt, ids: prompt.ids.map((id) => id + 600) } }),
    'INVALID_PROMPT',
    /tokens below 640/,
  ],
  [
    'a prompt whose images went astray',
    group({ prompt: { ...prompt, images: [] } }),
    'INVALID_PROMPT',
    /image tokens of width/,
  ],
  [
    'no adapter',
    { adapter: anything(undefined) },
    'INVALID_ADAPTER',
    /^adapter: must come from createAdapter/,
  ],
  [
    'parameters alone',
    { adapter: anything(adapter.parameters) },
    'INVALID_ADAPTER',
    /^adapter: must come from/,
  ],
  [
    'parameters of another length',
    { adapter: { ...adapter, parameters: adapter.parameters.slice(1) } },
    'INVALID_ADAPTER',
    /length \d+, got \d+/,
  ],
  [
    'parameters with a layout that lacks a tensor',
    {
      adapter: {
        ...adapter,
        trainable: {
          ...adapter.trainable,
          layout: { ...adapter.trainable.layout, entries: adapter.trainable.layout.entries.slice(1) },
        },
      },
    },
    'INVALID_ADAPTER',
    /must be in the layout/,
  ],
  [
    'parameters in float64',
    { adapter: anything({ ...adapter, parameters: Float64Array.from(adapter.parameters) }) },
    'INVALID_ADAPTER',
    /a Float32Array/,
  ],
  ['a dropout of 1', { adapter: { ...adapter, dropout: 1 } }, 'INVALID_OPTION', /^adapter.dropout: .*got 1/],
  ['a negative beta', { beta: -1 }, 'INVALID_OPTION', /^beta: .*got -1/],
  ['NaN as beta', { beta: NaN }, 'INVALID_OPTION', /^beta/],
  [
    'an unknown normalization',
    { normalization: anything('mean') },
    'INVALID_OPTION',
    /^normalization: .*token-mean/,
  ],
  ['null as normalization', { normalization: anything(null) }, 'INVALID_OPTION', /^normalization/],
  ['a length of 0', { normalization: { fixedLength: 0 } }, 'INVALID_OPTION', /^normalization.fixedLength/],
  ['an unknown objective', { objective: anything('ppo') }, 'INVALID_OPTION', /^objective: .*reinforce/],
  ['null as objective', { objective: anything(null) }, 'INVALID_OPTION', /^objective: must have a name/],
  [
    'an objective without a name',
    { objective: anything({ loss: () => 0 }) },
    'INVALID_OPTION',
    /must have a name/,
  ],
  [
    'an objective without a loss',
    { objective: anything({ name: 'x' }) },
    'INVALID_OPTION',
    /a function "loss"/,
  ],
  [
    'advantages for supervised learning',
    { ...group({ advantages: [1] }), objective: 'supervised' },
    'INVALID_OPTION',
    /^objective: supervised/,
  ],
  ['a seed that is no integer', { seed: 0.5 }, 'INVALID_OPTION', /^seed/],
  ['a seed that is text', { seed: anything('x') }, 'INVALID_OPTION', /^seed/],
]

test.each(refusals)('gradient refuses %s', async (_, changes, code, message) => {
  const options = { ...group({}), adapter, ...changes }
  await expect(vlm.gradient(options)).rejects.toThrow(coded(code, message))
})

const ofScore = refusals.filter(
  ([name, changes]) =>
    ('groups' in changes && !name.includes('advantage')) || ('adapter' in changes && name !== 'no adapter'),
)

test.each(ofScore)('score refuses %s', async (_, changes, code, message) => {
  await expect(vlm.score({ ...group({}), adapter, ...(changes as object) })).rejects.toThrow(
    coded(code, message),
  )
})

test.each(refusals.filter(([name]) => name.startsWith('parameters') || name.startsWith('a dropout')))(
  'sample, stream and exportPrograms refuse %s',
  async (_, changes, code, message) => {
    const given = { adapter: changes.adapter }
    await expect(vlm.sample({ prompts: [prompt], ...given })).rejects.toThrow(coded(code, message))
    const pieces = vlm.stream({ prompt, ...given })[Symbol.asyncIterator]()
    await expect(pieces.next()).rejects.toThrow(coded(code, message))
    const folder = join(await makeFolder(), 'out')
    await expect(vlm.exportPrograms(folder, given.adapter)).rejects.toThrow(coded(code, message))
  },
)

test('parameters that are NaN are one typed error, not words', async () => {
  const adapters = [NaN, Infinity, 1e30].map((value) => ({
    ...adapter,
    parameters: adapter.parameters.map(() => value),
  }))
  for (const broken of adapters) {
    const error = coded('NOT_FINITE', /finite log-probabilities.*adapter's parameters/)
    for (const temperature of [0, 1])
      await expect(
        vlm.sample({ prompts: [prompt], adapter: broken, temperature, maxNewTokens: 2 }),
      ).rejects.toThrow(error)
    await expect(vlm.stream({ prompt, adapter: broken })[Symbol.asyncIterator]().next()).rejects.toThrow(
      error,
    )
    await expect(vlm.score({ ...group({}), adapter: broken })).rejects.toThrow(error)
    await expect(vlm.gradient({ ...group({}), adapter: broken })).rejects.toThrow(error)
  }
})

test('what is saved or exported needs a folder and an adapter of this model', async () => {
  const folder = join(await makeFolder(), 'out')
  const noFolder = coded('INVALID_OPTION', /^folder: must be a string, got undefined/)
  await expect(vlm.saveAdapter(anything(undefined), adapter)).rejects.toThrow(noFolder)
  await expect(vlm.saveMerged(anything(undefined), adapter)).rejects.toThrow(noFolder)
  await expect(vlm.exportPrograms(anything(undefined))).rejects.toThrow(noFolder)
  const noAdapter = coded('INVALID_ADAPTER', /^adapter: must come from/)
  await expect(vlm.saveAdapter(folder, anything(null))).rejects.toThrow(noAdapter)
  await expect(vlm.saveMerged(folder, anything(undefined))).rejects.toThrow(noAdapter)
})

test.each([
  ['text', 'What?'],
  ['nothing', undefined],
])('sample and stream refuse a prompt that is %s', async (_, given) => {
  const wrong = given as unknown as Prompt
  const error = coded('INVALID_PROMPT', /must come from vlm.prompt/)
  await expect(vlm.sample({ prompts: [wrong] })).rejects.toThrow(error)
  await expect(vlm.stream({ prompt: wrong })[Symbol.asyncIterator]().next()).rejects.toThrow(error)
  await expect(vlm.sample({ prompts: anything(wrong) })).rejects.toThrow(coded('INVALID_OPTION', /^prompts/))
})

test.each([
  ['the path of an image', ['a.png']],
  ['nothing', [undefined]],
  ['no list', 'a.png'],
])('a prompt refuses %s for an encoded image', (_, images) => {
  expect(() => vlm.prompt({ images: anything(images), prompt: 'What?' })).toThrow(
    coded('INVALID_OPTION', /^images/),
  )
})

test('adapters, prompts and images of a model of another width are refused', async () => {
  const folder = await makeFolder()
  const rope = { type: 'mrope', mrope_section: [4, 6, 6] }
  const backbone = tinyWith({ hidden_size: 128, rope_scaling: rope }, { out_hidden_size: 128 })
  await initializeCheckpoint(join(folder, 'wide'), { backbone, sourceFolder: tinyFolder })
  const other = await loadVlm(join(folder, 'wide'))
  const image = await other.encodeImage(join(tinyFolder, 'images/img0.png'))
  const foreign = other.prompt({ images: [image], prompt: 'What?' })
  const strange: Adapter = other.createAdapter({ rank: 2 })
  const groups = [{ prompt, completions: [completion] }]

  expect(() => vlm.prompt({ images: [image], prompt: 'What?' })).toThrow(
    coded('INVALID_OPTION', /^images\[0\]: .*another model/),
  )
  await expect(vlm.sample({ prompts: [foreign] })).rejects.toThrow(coded('INVALID_PROMPT', /^prompts\[0\]/))
  await expect(vlm.gradient({ groups: [{ ...groups[0], prompt: foreign }], adapter })).rejects.toThrow(
    coded('INVALID_PROMPT'),
  )
  for (const wrong of [strange, await other.trainWeights({ targets: ['norm.weight'] })]) {
    const error = coded('INVALID_ADAPTER', /must have shape/)
    await expect(vlm.gradient({ groups, adapter: wrong })).rejects.toThrow(error)
    await expect(vlm.sample({ prompts: [prompt], adapter: wrong })).rejects.toThrow(error)
    await expect(vlm.saveMerged(join(folder, 'merged'), wrong)).rejects.toThrow(coded('INVALID_ADAPTER'))
  }
  await expect(
    vlm.saveAdapter(join(folder, 'saved'), { ...strange, parameters: new Float32Array(1) }),
  ).rejects.toThrow(coded('INVALID_ADAPTER'))
  await other.dispose()
})

test('groups that do not fit into the positions of the model are refused', async () => {
  const prompt = vlm.prompt({ prompt: 'x' })
  const groups = [{ prompt, completions: [{ ids: new Int32Array(4096).fill(30) }] }]
  await expect(vlm.score({ groups })).rejects.toThrow(coded('PROMPT_TOO_LONG', /fit into 4096 positions/))
})
