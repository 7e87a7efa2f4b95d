import { mkdir, readFile, realpath, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBackbone } from '../src/backbones/open-backbone'
import { openCheckpoint } from '../src/checkpoint/open-checkpoint'
import {
  copyTiny,
  makeFolder,
  readRaw,
  tinyFolder,
  writeHeader,
  writeRaw,
  take,
  type RawTensor,
} from './support/safetensors'
import { tinyWith } from './support/tiny-with'

const model = await readBackbone(tinyFolder)
const expected = model.weights
const { canonical: canonicalName, published: legacyName } = model.names
const raw = await readRaw(join(tinyFolder, 'model.safetensors'))

/** A folder whose one file holds the tiny model's tensors after `edit`. */
async function edited(edit: (tensors: Map<string, RawTensor>) => void): Promise<string> {
  const folder = await makeFolder()
  const tensors = new Map(raw)
  edit(tensors)
  await writeRaw(join(folder, 'model.safetensors'), tensors)
  return folder
}

/** The tiny model in two shards with an index, as `edit` leaves it. */
async function sharded(edit: (map: Record<string, string>) => void = () => undefined): Promise<string> {
  const folder = await makeFolder()
  const names = [...raw.keys()]
  const map: Record<string, string> = {}
  for (const [i, part] of [names.slice(0, 40), names.slice(40)].entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`
    await writeRaw(join(folder, file), new Map([...raw].filter(([name]) => part.includes(name))))
    for (const name of part) map[name] = file
  }
  edit(map)
  await writeFile(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: map }),
  )
  return folder
}

test('names in the file and names expected are the same set, with the same shapes', () => {
  const inFile = new Map([...raw].map(([name, { shape }]) => [canonicalName(name), shape]))
  expect(new Map([...expected].sort())).toEqual(new Map([...inFile].sort()))
})

// Counted with transformers 5.12.1 on the published configurations: see published-configs for those.
test('the head is a weight only when untied, and a linear module always', () => {
  expect(expected.has('lm_head.weight')).toBe(false)
  expect(tinyWith({ tie_word_embeddings: false }).weights.get('lm_head.weight')).toEqual([640, 64])
  expect(model.modules.get('lm_head')).toEqual([640, 64])
  expect(model.modules.size).toBe(44)
})

test.each([
  ['model.layers.0.mlp.up_proj.weight', 'model.language_model.layers.0.mlp.up_proj.weight'],
  ['model.embed_tokens.weight', 'model.language_model.embed_tokens.weight'],
  ['model.norm.weight', 'model.language_model.norm.weight'],
  ['visual.merger.mlp.0.bias', 'model.visual.merger.mlp.0.bias'],
  ['lm_head.weight', 'lm_head.weight'],
])('%s is %s, both ways, and mapping twice changes nothing', (legacy, canonical) => {
  expect(canonicalName(legacy)).toBe(canonical)
  expect(legacyName(canonical)).toBe(legacy)
  expect(canonicalName(canonical)).toBe(canonical)
  expect(legacyName(legacy)).toBe(legacy)
})

test('every tensor has its real file, type, shape and place', async () => {
  const folder = await makeFolder()
  await symlink(join(tinyFolder, 'model.safetensors'), join(folder, 'model.safetensors'))
  const { tensors } = await openCheckpoint(folder, model)
  expect([...tensors.keys()]).toEqual([...expected.keys()])
  const file = await realpath(join(tinyFolder, 'model.safetensors'))
  const bytes = await readFile(file)
  for (const [name, tensor] of tensors) {
    const { data, shape } = take(raw, legacyName(name))
    expect(tensor).toMatchObject({ name, file, dtype: 'float32', shape, bytes: data.length })
    expect(bytes.subarray(tensor.offset, tensor.offset + tensor.bytes).equals(data)).toBe(true)
  }
})

test('the live names of newer transformers are read too', async () => {
  const folder = await makeFolder()
  await writeRaw(
    join(folder, 'model.safetensors'),
    new Map([...raw].map(([name, tensor]) => [canonicalName(name), tensor])),
  )
  expect((await openCheckpoint(folder, model)).tensors.size).toBe(expected.size)
})

test('shards are opened through the index, links and all', async () => {
  const folder = await sharded()
  const blobs = join(folder, 'blobs')
  await mkdir(blobs)
  await rename(join(folder, 'model-00001-of-00002.safetensors'), join(blobs, 'abc'))
  await symlink('blobs/abc', join(folder, 'model-00001-of-00002.safetensors'))
  const { tensors } = await openCheckpoint(folder, model)
  const files = new Set([...tensors.values()].map(({ file }) => file))
  const real = await realpath(folder)
  expect(files).toEqual(new Set([join(real, 'blobs/abc'), join(real, 'model-00002-of-00002.safetensors')]))
})

test('a missing shard is named together with a tensor that should be in it', async () => {
  const folder = await sharded((map) => {
    map['model.norm.weight'] = 'model-00003-of-00002.safetensors'
  })
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(
      /index\.json: tensor "model\.norm\.weight" must be in model-00003.*no such file/,
    ) as string,
  })
})

test.each([
  [
    'puts a tensor into the other shard',
    (map: Record<string, string>) => (map['model.norm.weight'] = 'model-00002-of-00002.safetensors'),
    /"model\.norm\.weight" must be in model-00002.*got it in model-00001/,
  ],
  [
    'lists a tensor that no shard has',
    (map: Record<string, string>) => (map['model.nothing'] = 'model-00001-of-00002.safetensors'),
    /"model\.nothing" must be in model-00001.*no file/,
  ],
  [
    'leaves a tensor out',
    (map: Record<string, string>) => Reflect.deleteProperty(map, 'model.norm.weight'),
    /"model\.norm\.weight" of .*model-00001.* must be listed/,
  ],
  [
    'names a file outside',
    (map: Record<string, string>) => (map['model.norm.weight'] = '../model-00001-of-00002.safetensors'),
    /weight_map\.model\.norm\.weight: must be a file in the folder/,
  ],
])('an index that %s is refused', async (_, edit, message) => {
  const folder = await sharded(edit)
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(message) as string,
  })
})

test('an index that is not JSON, and a folder without weights, are refused', async () => {
  const folder = await makeFolder()
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({ code: 'INVALID_CHECKPOINT' })
  await writeFile(join(folder, 'model.safetensors.index.json'), '{')
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({ code: 'INVALID_CHECKPOINT' })
})

test('missing tensors are named', async () => {
  const folder = await edited((tensors) => {
    for (const name of raw.keys())
      if (name.includes('layers.2.mlp') || name === 'visual.merger.ln_q.weight') tensors.delete(name)
  })
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(
      /got none for "model\.visual\.merger\.ln_q\.weight".* and 1 more/,
    ) as string,
  })
})

const one = { dtype: 'F32', shape: [1], data: new Uint8Array(4) }

test('extra tensors are named, a few of them', async () => {
  const folder = await edited((tensors) => {
    for (let i = 0; i < 9; i++) tensors.set(`model.layers.0.self_attn.lora_${i}`, one)
  })
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(
      /model\.safetensors: .*got also "model\.layers\.0\.self_attn\.lora_0".* and 6 more/,
    ) as string,
  })
})

test('rotary buffers and the copy of a tied head do no harm', async () => {
  const folder = await edited((tensors) => {
    tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', one)
    tensors.set('visual.rotary_pos_emb.inv_freq', one)
    tensors.set('lm_head.weight', take(raw, 'model.embed_tokens.weight'))
  })
  expect((await openCheckpoint(folder, model)).tensors.size).toBe(expected.size)
})

test('one tensor under both its names is refused', async () => {
  const folder = await edited((tensors) => {
    tensors.set('model.language_model.norm.weight', take(raw, 'model.norm.weight'))
  })
  await expect(openCheckpoint(folder, model)).rejects.toThrow(
    /"model\.language_model\.norm\.weight" must be there once, got "model\.norm\.weight" too/,
  )
})

test.each([
  [
    'another shape',
    { dtype: 'F32', shape: [8, 8] },
    /"model\.norm\.weight" must have shape \[64\], got \[8, 8\]/,
  ],
  [
    'another type',
    { dtype: 'F64', shape: [32] },
    /"model\.norm\.weight" must be float32, float16 or bfloat16, got float64/,
  ],
])('a tensor of %s is refused by name', async (_, header, message) => {
  const folder = await edited((tensors) => {
    tensors.set('model.norm.weight', { ...take(raw, 'model.norm.weight'), ...header })
  })
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_CHECKPOINT',
    message: expect.stringMatching(message) as string,
  })
})

test('a cut file is refused', async () => {
  const folder = await copyTiny()
  const file = join(folder, 'model.safetensors')
  const { length } = await readFile(file)
  for (const size of [length - 1, 1000, 8, 3, 0]) {
    await truncate(file, size)
    await expect(openCheckpoint(folder, model)).rejects.toMatchObject({ code: 'INVALID_SAFETENSORS' })
  }
})

const entry = (from: number, to: number) => ({
  dtype: 'F32',
  shape: [(to - from) / 4],
  data_offsets: [from, to],
})

test.each([
  ['tensors that overlap', { a: entry(0, 8), b: entry(4, 12) }, 12, /"b" must not overlap another/],
  ['an offset beyond the file', { a: entry(0, 800) }, 8, /"a" must be 800 bytes within/],
  [
    'a size that its shape does not have',
    { a: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } },
    8,
    /"a" must be 12 bytes/,
  ],
  ['no object', [1, 2], 0, /JSON object/],
])('a header with %s is refused', async (_, header, bytes, message) => {
  const folder = await makeFolder()
  await writeHeader(join(folder, 'model.safetensors'), header, new Uint8Array(bytes))
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({
    code: 'INVALID_SAFETENSORS',
    message: expect.stringMatching(message) as string,
  })
})

test('an absurd header length is refused unread', async () => {
  const folder = await makeFolder()
  await writeFile(join(folder, 'model.safetensors'), Buffer.alloc(64, 0xff))
  await expect(openCheckpoint(folder, model)).rejects.toMatchObject({ code: 'INVALID_SAFETENSORS' })
})
