/** A model of one's own, of text alone, through the public functions; its numbers beside a pass in plain JavaScript. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  architectures,
  initializeCheckpoint,
  loadVlm,
  openBackbone,
  planPrograms,
  type Adapter,
  type Vlm,
} from '@evolmm/vlm'
import ndarray from 'ndarray'
import { afterAll, expect, test } from 'vitest'
import { coded } from './prompt-checkpoint'
import { largestDifference } from './support/compare'
import { readRaw, sameBytes } from './support/safetensors'
import { toy } from './support/toy'
import { plainScores } from './support/toy-scores'

const known = new Map([...architectures, ['toy', toy]])
const json = { model_type: 'toy', hidden_size: 32, num_hidden_layers: 3, window: 5 }
const open = (changes = {}) => openBackbone({ ...json, ...changes }, { architectures: known })

const root = await mkdtemp(join(tmpdir(), 'evolmm-toy-'))
afterAll(() => rm(root, { recursive: true }))

/** A checkpoint with random weights, and a tokenizer's settings, which say nothing. */
async function makeCheckpoint(tied: boolean): Promise<string> {
  const folder = join(root, tied ? 'tied' : 'untied')
  const read = open()
  const backbone = read.settled?.(new Set(tied ? [] : ['lm_head.weight'])) ?? read
  await initializeCheckpoint(folder, { backbone, seed: 3, standardDeviation: 0.3 })
  await writeFile(join(folder, 'tokenizer_config.json'), '{}')
  return folder
}

const folder = await makeCheckpoint(true)
const load = (from = folder): Promise<Vlm> => loadVlm(from, { threads: 1, architectures: known })
const vlm = await load()
afterAll(() => vlm.dispose())

const long = vlm.prompt({ prompt: 'which of the two words is the longer one?' })
const short = vlm.prompt({ prompt: 'why?', system: 'be brief' })
const completions = ['because it is.<e>', 'no<e>', 'a'].map((text) => ({
  ids: Int32Array.from(vlm.tokenizer.encode(text)),
}))

test('a conversation is rendered without a template and tokenized by the post-processor', () => {
  expect(long.text).toBe('user: which of the two words is the longer one?.assistant: ')
  expect(short.text).toBe('system: be brief.user: why?.assistant: ')
  expect([...long.ids.subarray(0, 3)]).toEqual([0, ...vlm.tokenizer.encode('us')])
  expect(long.positions).toEqual(Int32Array.from({ length: long.ids.length }, (_, i) => i))
  expect(vlm.marker.test('a<e>b')).toBe(true)
})

test.each([true, false])(
  'tied %s: log-probabilities of packed groups are those of a plain pass',
  async (tied) => {
    const from = tied ? folder : await makeCheckpoint(false)
    const model = await load(from)
    const tensors = await readRaw(join(from, 'model.safetensors'))
    expect(tensors.has('lm_head.weight')).toBe(!tied)
    expect([...tensors.keys()].filter((name) => name.startsWith('model.'))).toEqual([])
    const groups = [long, short].map((prompt) => ({ prompt, completions }))
    const { completions: scores } = await model.score({ groups })
    for (const [g, { prompt }] of groups.entries())
      for (const [c, { ids }] of completions.entries()) {
        const want = plainScores({ tensors, json, prompt: [...prompt.ids], completion: [...ids] })
        expect(largestDifference(scores[g][c].logProbabilities, want)).toBeLessThan(1e-5)
      }
    await model.dispose()
  },
)

test('samples of prompts of several lengths are scored as they were sampled, and streamed the same', async () => {
  const prompts = [long, short]
  const adapter = moved(vlm.createAdapter({ rank: 2 }))
  const seeds = [[1, 2], [3]]
  const groups = await vlm.sample({ prompts, adapter, samples: 3, maxNewTokens: 20, seeds })
  const { samplerGap } = await vlm.score({
    groups: prompts.map((prompt, i) => ({ prompt, completions: groups[i] })),
    adapter,
  })
  expect(samplerGap).toBeLessThan(1e-5)
  // Longer than the window.
  expect(Math.max(...groups.flat().map(({ ids }) => ids.length))).toBeGreaterThan(10)
  for (const [i, prompt] of prompts.entries()) {
    let text = ''
    const stream = vlm.stream({ prompt, adapter, maxNewTokens: 20, seed: seeds[i] })
    for await (const piece of stream) text += piece
    expect(text).toBe(groups[i][0].text)
  }
})

test.each([
  [
    'adapters',
    (model: Vlm) =>
      Promise.resolve(moved(model.createAdapter({ rank: 2, targets: ['lm_head', 'q_proj', 'down_proj'] }))),
  ],
  ['all weights', (model: Vlm) => model.trainWeights()],
] as const)('the gradient of %s is that of finite differences', async (_, make) => {
  const adapter = await make(vlm)
  const groups = [long, short].map((prompt, g) => ({
    prompt,
    completions,
    advantages: [0.7, -0.4, 0.3 + g],
  }))
  const run = (given: Adapter, checkpointed = false) =>
    vlm.gradient({ groups, adapter: given, beta: 0.1, checkpointed })
  const { gradient } = await run(adapter)
  const anew = await run(adapter, true)
  expect(largestDifference(anew.gradient, gradient)).toBeLessThan(1e-5)
  for (const { name, offset, shape } of adapter.trainable.layout.entries) {
    const end = offset + shape.reduce((product, dim) => product * dim, 1)
    // Along the gradient of each tensor, turned a little, and as far as the loss should change by so much.
    const slope = 4e-3
    const own = gradient.map((value, i) => (offset <= i && i < end ? value * (1 + Math.sin(i) / 2) : 0))
    const length = own.reduce((sum, value, i) => sum + value * gradient[i], 0)
    const step = own.map((value) => (slope * value) / length)
    const at = async (sign: number) => {
      const parameters = adapter.parameters.map((value, i) => value + sign * step[i])
      return (await run({ ...adapter, parameters })).loss
    }
    const difference = ((await at(1)) - (await at(-1))) / 2
    expect(Math.abs(difference / slope - 1), name).toBeLessThan(5e-3)
  }
})

test('an adapter is saved under the names of the files and loaded again', async () => {
  const adapter = moved(vlm.createAdapter({ rank: 2, targets: ['q_proj', 'model.layers.1.mlp.up_proj'] }))
  expect(adapter.matched).toHaveLength(4)
  const out = join(root, 'adapter')
  await vlm.saveAdapter(out, adapter, { layout: 'legacy' })
  const keys = [...(await readRaw(join(out, 'adapter_model.safetensors'))).keys()]
  expect(keys.every((key) => key.startsWith('base_model.model.transformer.layers.'))).toBe(true)
  const again = await vlm.loadAdapter(out)
  expect(again.trainable).toEqual(adapter.trainable)
  expect(sameBytes(again.parameters, adapter.parameters)).toBe(true)

  const merged = join(root, 'merged')
  await vlm.saveMerged(merged, adapter)
  expect(JSON.parse(await readFile(join(merged, 'config.json'), 'utf8'))).toMatchObject(json)
  const groups = [{ prompt: long, completions }]
  const want = await vlm.score({ groups, adapter })
  const model = await load(merged)
  const got = await model.score({ groups })
  await model.dispose()
  expect(Math.abs(got.nll - want.nll)).toBeLessThan(1e-5)
})

test('there is no program for images, and images are refused', async () => {
  const out = join(root, 'programs')
  await vlm.exportPrograms(out, vlm.createAdapter({ rank: 1 }))
  const files = ['gradient', 'sample', 'score', 'stream'].map((name) => `${name}.onnx`)
  expect((await readdir(out)).sort()).toEqual([...files, 'model.safetensors'].sort())
  const planned = planPrograms({ backbone: open() }).programs.map(({ name }) => `${name}.onnx`)
  expect(planned.sort()).toEqual(files)
  const picture = ndarray(new Uint8Array(12), [2, 2, 3])
  await expect(vlm.encodeImage(picture)).rejects.toThrow(coded('IMAGES_UNSUPPORTED'))
  expect(vlm.imageFields).toEqual([])
})

test('the folder checks its configuration, and without its line the model is not known', async () => {
  expect(() => open({ window: 0 })).toThrow(coded('INVALID_CONFIG', /^config\.json: window: .* got 0/))
  await expect(loadVlm(folder)).rejects.toThrow(coded('UNSUPPORTED_MODEL', /got "toy"/))
})

/** The adapter with numbers in place of the zeros, so that it changes something. */
function moved(adapter: Adapter): Adapter {
  for (const i of adapter.parameters.keys()) adapter.parameters[i] += 0.05 * Math.sin(i)
  return adapter
}
