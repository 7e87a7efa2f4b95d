import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTensor, weightSource, type WeightSource } from '@evolmm/safetensors'
import { readBackbone } from '../src/backbones/open-backbone'
import { parseConfig } from '../src/backbones/qwen2_5_vl/config'
import { companionFiles } from '../src/checkpoint/companion-files'
import { initializeWeights } from '../src/checkpoint/initialize-weights'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import { writeCheckpoint } from '../src/checkpoint/write-checkpoint'
import { contentOf, makeFolder, readRaw, tinyFolder, take } from './support/safetensors'
import { tinyWith } from './support/tiny-with'

const model = await readBackbone(tinyFolder)
const expected = model.weights
const raw = await readRaw(join(tinyFolder, 'model.safetensors'))
const tiny = await openCheckpoint(tinyFolder, model)
const weights = [...tiny.tensors.values()].map(weightSource)

const json = (text: string) => JSON.parse(text) as Record<string, unknown>

/** The model as one of these weights alone. */
const only = (shapes: [string, number[]][]) => ({ ...model, weights: new Map(shapes) })

/** `weights` with the one of this name replaced. */
function replaced(name: string, change: Partial<WeightSource>): WeightSource[] {
  return weights.map((weight) => (weight.name === name ? { ...weight, ...change } : weight))
}

test('a written checkpoint has the names of the hub, the flat configuration and the source files byte for byte', async () => {
  const folder = join(await makeFolder(), 'new', 'model')
  await writeCheckpoint(folder, { model, weights, sourceFolder: tinyFolder })
  const copied = [
    'chat_template.json',
    'generation_config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]
  expect((await readdir(folder)).sort()).toEqual([...copied, 'config.json', 'model.safetensors'].sort())
  for (const name of copied)
    expect((await readFile(join(folder, name))).equals(await readFile(join(tinyFolder, name)))).toBe(true)
  const written = await readRaw(join(folder, 'model.safetensors'))
  expect(contentOf(written)).toEqual(contentOf(raw))
  const [before, after] = [tinyFolder, folder].map((each) => readFile(join(each, 'config.json'), 'utf8'))
  expect(parseConfig(json(await after))).toEqual(parseConfig(json(await before)))
  expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toMatchObject({
    hidden_size: 64,
    torch_dtype: 'float32',
    eos_token_id: 603,
    vision_token_id: 612,
  })
})

test('shards hold at most so many bytes, the index says what is where, and they open again', async () => {
  const folder = join(await makeFolder(), 'model')
  await writeCheckpoint(folder, { model, weights, dtype: 'bfloat16', maxShardBytes: 100_000 })
  const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8')) as {
    metadata: { total_size: number }
    weight_map: Record<string, string>
  }
  const shards = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort()
  expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`)
  let total = 0
  for (const shard of shards) {
    const tensors = await readRaw(join(folder, shard))
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0)
    expect(bytes).toBeLessThanOrEqual(100_000)
    total += bytes
    for (const name of tensors.keys()) expect(index.weight_map[name]).toBe(shard)
  }
  expect(Object.keys(index.weight_map)).toHaveLength(expected.size)
  expect(index.metadata.total_size).toBe(total)
  const back = await openCheckpoint(folder, model)
  expect([...back.tensors.values()].every(({ dtype }) => dtype === 'bfloat16')).toBe(true)
  expect(await readdir(folder)).toHaveLength(shards.length + 2)
})

test('a tensor larger than a shard has one of its own', async () => {
  const folder = join(await makeFolder(), 'model')
  await writeCheckpoint(folder, { model, weights, maxShardBytes: 1 })
  const shards = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'))
  expect(shards).toHaveLength(expected.size)
  expect((await openCheckpoint(folder, model)).tensors.size).toBe(expected.size)
})

test('a folder with a configuration is only replaced on request; old shards go, other files stay', async () => {
  const folder = await makeFolder()
  await writeCheckpoint(folder, { model, weights, maxShardBytes: 300_000 })
  await writeFile(join(folder, 'notes.txt'), 'mine')
  const before = await readdir(folder)
  await expect(writeCheckpoint(folder, { model, weights })).rejects.toMatchObject({
    code: 'WOULD_OVERWRITE',
  })
  expect(await readdir(folder)).toEqual(before)
  // The weights come from the very files that are replaced.
  const own = [...(await openCheckpoint(folder, model)).tensors.values()].map(weightSource)
  await writeCheckpoint(folder, { model, weights: own, overwrite: true })
  expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors', 'notes.txt'])
  const written = await readRaw(join(folder, 'model.safetensors'))
  expect(contentOf(written)).toEqual(contentOf(raw))
})

const embedding = 'model.language_model.embed_tokens.weight'

test.each([
  ['a missing weight', weights.slice(1), /visual\.patch_embed\.proj\.weight": must be given/],
  [
    'a stranger',
    [...weights, { name: 'x', shape: [1], values: new Float32Array(1) }],
    /"x": must be a tensor of the model/,
  ],
  ['a weight twice', [...weights, weights[3]], /must be given once/],
  [
    'another shape',
    replaced(embedding, { shape: [64, 640] }),
    /must have shape \[640, 64\], got \[64, 640\]/,
  ],
  ['too few values', replaced(embedding, { values: new Float32Array(5) }), /must have the 40960 values/],
])('%s is an error; what was there stays and nothing is added', async (_, wrong, message) => {
  const parent = await makeFolder()
  const folder = join(parent, 'model')
  await writeCheckpoint(folder, { model, weights })
  const before = await readFile(join(folder, 'model.safetensors'))
  await expect(writeCheckpoint(folder, { model, weights: wrong, overwrite: true })).rejects.toMatchObject({
    code: 'INVALID_TENSOR',
    message: expect.stringMatching(message) as string,
  })
  expect((await readFile(join(folder, 'model.safetensors'))).equals(before)).toBe(true)
  expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors'])
  expect(await readdir(parent)).toEqual(['model'])
})

test('a source folder with a broken configuration, or a target below a file, is an error and leaves nothing', async () => {
  const parent = await makeFolder()
  const source = join(parent, 'source')
  await mkdir(source)
  await writeFile(join(source, 'config.json'), '{')
  const options = { model, weights }
  await expect(
    writeCheckpoint(join(parent, 'a'), { ...options, sourceFolder: source }),
  ).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  await expect(writeCheckpoint(join(source, 'config.json', 'a'), options)).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
  })
  await expect(writeCheckpoint(join(parent, 'a'), { ...options, maxShardBytes: 0 })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
  expect(await readdir(parent)).toEqual(['source'])
})

test('source files behind links, as a hub cache has them, are copied as files', async () => {
  const parent = await makeFolder()
  await mkdir(join(parent, 'source'))
  await symlink(join(tinyFolder, 'tokenizer.json'), join(parent, 'source', 'tokenizer.json'))
  await writeCheckpoint(join(parent, 'out'), { model, weights, sourceFolder: join(parent, 'source') })
  const entries = await readdir(join(parent, 'out'), { withFileTypes: true })
  expect(entries.every((entry) => entry.isFile())).toBe(true)
  expect(entries.map(({ name }) => name).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'tokenizer.json',
  ])
})

async function valuesOf({ values }: WeightSource): Promise<number[]> {
  const all: number[] = []
  for await (const piece of values instanceof Float32Array ? [values] : values()) all.push(...piece)
  return all
}

// From the paper's round function and the formula in plain Python, at double precision.
test('whatever form a tokenizer has, its files go along; weights and strangers do not', async () => {
  const tokenizer = [
    'tokenizer.json',
    'tokenizer.model',
    'vocab.json',
    'vocab.txt',
    'merges.txt',
    'added_tokens.json',
  ]
  const folder = await makeFolder()
  for (const name of [...tokenizer, 'model.safetensors', 'README.md', 'modeling_x.py'])
    await writeFile(join(folder, name), `content of ${name}`)
  const companions = await companionFiles(folder)
  expect([...companions.keys()].sort()).toEqual([...tokenizer].sort())
  expect(Buffer.from(companions.get('tokenizer.model') ?? []).toString()).toBe('content of tokenizer.model')
})

test('initial weights are the normal numbers of the counter, the seed and the name', async () => {
  const sources = initializeWeights(model, { seed: 2 ** 40 + 7 })
  const source = sources.find(({ name }) => name === 'model.language_model.layers.0.mlp.up_proj.weight')
  if (source === undefined) throw new Error('no such weight')
  const values = await valuesOf(source)
  const first = [0.01817984509787035, 0.05852018479535342, -0.039076277180357846, 0.027372280298774324]
  const second = [0.00099640106974109, 0.007422150120275254, -0.006915245863397677, -0.029910312361497604]
  const last = [-0.035318340186519144, 0.009094659018631506, 0.03683986735644576, 0.023152950980346188]
  for (const [i, value] of [...first, ...second].entries()) expect(values[i]).toBeCloseTo(value, 8)
  for (const [i, value] of last.entries()) expect(values[4 * 2559 + i]).toBeCloseTo(value, 8)
  expect(values).toHaveLength(160 * 64)
})

test('initial weights: deviation 0.02 and mean 0 for matrices, zero biases, norms of one', async () => {
  for (const source of initializeWeights(model, { seed: 1 })) {
    const values = await valuesOf(source)
    expect(values).toHaveLength(source.shape.reduce((product, dim) => product * dim, 1))
    if (source.shape.length === 1) {
      const value = source.name.endsWith('.bias') ? 0 : 1
      expect(values.every((v) => v === value)).toBe(true)
      continue
    }
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length
    // Six standard errors of each.
    expect(Math.abs(mean)).toBeLessThan((6 * 0.02) / Math.sqrt(values.length))
    expect(Math.abs(Math.sqrt(variance) / 0.02 - 1)).toBeLessThan(6 / Math.sqrt(2 * values.length))
  }
})

test('initial weights depend on the seed and the name and on nothing else', async () => {
  const alone = (name: string, seed: number) =>
    valuesOf(initializeWeights(only([[name, [10, 3]]]), { seed })[0])
  const among = initializeWeights(
    only([
      ['a', [5, 5]],
      ['b', [10, 3]],
    ]),
    { seed: 3 },
  )
  expect(await valuesOf(among[1])).toEqual(await alone('b', 3))
  expect(await alone('b', 3)).not.toEqual(await alone('a', 3))
  expect(await alone('b', 3)).not.toEqual(await alone('b', 4))
})

test('an impossible seed or deviation is an error', () => {
  expect(() => initializeWeights(model, { seed: -1 })).toThrow('seed')
  expect(() => initializeWeights(model, { seed: 1, standardDeviation: 0 })).toThrow('standardDeviation')
})

test('a new model goes to disk and comes back', async () => {
  const folder = join(await makeFolder(), 'model')
  const untied = tinyWith({ tie_word_embeddings: false })
  await writeCheckpoint(folder, {
    model: untied,
    weights: initializeWeights(untied, { seed: 9 }),
  })
  const { tensors } = await openCheckpoint(folder, await readBackbone(folder))
  const head = take(tensors, 'lm_head.weight')
  const again = initializeWeights(only([['lm_head.weight', [640, 64]]]), { seed: 9 })
  expect([...(await readTensor(head)).data]).toEqual(await valuesOf(again[0]))
})
