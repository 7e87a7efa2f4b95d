import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { beforeEach, expect, test, vi } from 'vitest'
import {
  openImageDataset,
  shuffledOrder,
  type DatasetOptions,
  type DatasetState,
  type ImageDataset,
} from '@evolmm/dataset'
import { checkImage } from '../src/check-image'
import { shuffledOrder as shuffle } from '../src/shuffled-order'
import { addFiles, craftedPng, folderOf, healthy, picture } from './make-images'

// Counted, but real.
vi.mock('../src/check-image', { spy: true })
vi.mock('../src/shuffled-order', { spy: true })
beforeEach(() => {
  vi.mocked(checkImage).mockClear()
})

const pixel = await picture(2).png().toBuffer()

/** A folder of `images` tiny images of which those listed in `bad` are empty files. */
function folderWith(images: number, bad: readonly number[] = []): string {
  const name = (i: number) => `images/${String(i).padStart(4, '0')}.png`
  return folderOf(
    Object.fromEntries(Array.from({ length: images }, (_, i) => [name(i), bad.includes(i) ? '' : pixel])),
  )
}

/** Opens without printing warnings. */
const open = (options: DatasetOptions) => openImageDataset({ onWarning: () => undefined, ...options })

async function take(dataset: ImageDataset, steps: readonly number[]): Promise<number[]> {
  const taken = []
  for (const step of steps) taken.push((await dataset.sampleAt(step)).index)
  return taken
}

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)
const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error

interface Shard {
  seed: number
  rank: number
  worldSize: number
  reshuffle: boolean
}

/** The definition: walks the stream of positions one by one and drops bad images. */
function definition(images: number, bad: readonly number[], shard: Shard, steps: number) {
  const found = []
  for (let p = shard.rank; found.length < steps; p += shard.worldSize) {
    const epoch = Math.floor(p / images)
    const order = shuffledOrder({ length: images, seed: shard.seed, epoch: shard.reshuffle ? epoch : 0 })
    const index = order[p % images]
    if (!bad.includes(index)) found.push({ index, epoch })
  }
  return found
}

test('a sample says where it is and where it comes from', async () => {
  const root = folderOf({ 'split1/deep/a.png': pixel, 'split2/b.png': pixel })
  const samples = await Promise.all([0, 1].map(async (step) => (await open({ root })).sampleAt(step)))
  samples.sort((a, b) => a.index - b.index)
  expect(samples).toEqual([
    {
      path: join(root, 'split1/deep/a.png'),
      relativePath: 'split1/deep/a.png',
      subfolder: 'split1',
      epoch: 0,
      index: 0,
    },
    {
      path: join(root, 'split2/b.png'),
      relativePath: 'split2/b.png',
      subfolder: 'split2',
      epoch: 0,
      index: 1,
    },
  ])
  const flat = await open({ root: folderOf({ 'a.png': pixel }) })
  expect(await flat.sampleAt(3)).toMatchObject({ relativePath: 'a.png', subfolder: '', epoch: 3 })
  expect(flat.length).toBe(1)
})

sizedTest(
  'is the walk that the definition gives, for any shard, in any order of calls, resumed anywhere',
  { shards: [40, 150, 3000] },
  async ({ count, seed }) => {
    const shards = fc
      .record({
        images: fc.integer({ min: 1, max: 11 }),
        worldSize: fc.integer({ min: 1, max: 5 }),
        seed: fc.nat(),
        reshuffle: fc.boolean(),
      })
      .chain((shard) =>
        fc.record({
          shard: fc.constant(shard),
          rank: fc.nat(shard.worldSize - 1),
          bad: fc.uniqueArray(fc.nat(shard.images - 1), { maxLength: shard.images - 1 }),
          steps: fc.array(fc.nat(80), { minLength: 1, maxLength: 8 }),
        }),
      )
    await fc.assert(
      fc.asyncProperty(shards, async ({ shard: { images, ...rest }, rank, bad, steps }) => {
        const shard = { ...rest, rank }
        // In a fixed order a rank may see nothing but bad images; that is another test.
        const order = shuffledOrder({ length: images, seed: shard.seed, epoch: 0 })
        const reached = range(images).map((visit) => order[(rank + visit * shard.worldSize) % images])
        fc.pre(shard.reshuffle || reached.some((index) => !bad.includes(index)))

        const root = folderWith(images, bad)
        const expected = definition(images, bad, shard, 81)
        const dataset = await open({ root, ...shard })
        for (const step of steps) expect(await dataset.sampleAt(step)).toMatchObject(expected[step])
        const resumed = await open({
          root,
          ...shard,
          state: JSON.parse(JSON.stringify(dataset.state)) as DatasetState,
        })
        for (const step of steps.toReversed())
          expect(await resumed.sampleAt(step)).toMatchObject(expected[step])
      }),
      { seed, numRuns: count },
    )
  },
)

test.each([
  { reshuffle: true, worldSize: 1 },
  { reshuffle: true, worldSize: 3 },
  { reshuffle: false, worldSize: 1 },
  { reshuffle: false, worldSize: 3 },
])('far steps are the definition too, forwards and back: %j', async (options) => {
  const bad = [1, 4]
  const root = folderWith(7, bad)
  const shard = { seed: 5, rank: options.worldSize - 1, ...options }
  const expected = definition(7, bad, shard, 6001)
  const dataset = await open({ root, ...shard })
  for (const step of [6000, 3, 5999, 2500, 0, 2501, 4000])
    expect(await dataset.sampleAt(step)).toMatchObject(expected[step])
})

test('going back to an earlier epoch starts there, not at the beginning', async () => {
  const dataset = await open({ root: folderWith(7, [1, 4]), worldSize: 3 })
  const [early, late] = [await dataset.sampleAt(500), await dataset.sampleAt(1000)]
  vi.mocked(shuffle).mockClear()
  expect(await dataset.sampleAt(500)).toEqual(early)
  expect(await dataset.sampleAt(1000)).toEqual(late)
  expect(vi.mocked(shuffle).mock.calls.length).toBeLessThan(6)
})

test('steps of any size are reached by counting, not by walking', async () => {
  const last = 2 ** 32 - 1
  for (const [bad, options] of [
    [[], { worldSize: 3, rank: 1 }],
    [[2], {}],
    [[2], { reshuffle: false, worldSize: 3, rank: 1 }],
  ] as const) {
    const dataset = await open({ root: folderWith(10, bad), ...options })
    await take(dataset, range(40))
    const { epoch, index } = await dataset.sampleAt(last)
    if (bad.length === 0) expect(epoch).toBe(Math.floor((1 + 3 * last) / 10))
    else if (!('rank' in options)) expect(epoch).toBe(Math.floor(last / 9))
    else expect(epoch).toBe(Math.floor((last * 3 * 10) / 9 / 10))
    expect(bad).not.toContain(index)
  }
})

test('each epoch uses every usable image exactly once', async () => {
  const root = folderWith(9, [0, 5])
  const dataset = await open({ root, reshuffle: true })
  const usable = [1, 2, 3, 4, 6, 7, 8]
  const epochs = [0, 7, 14].map((from) => range(7, from))
  const orders = []
  for (const steps of epochs) {
    const order = await take(dataset, steps)
    expect(order.toSorted((a, b) => a - b)).toEqual(usable)
    orders.push(order)
  }
  expect(orders[1]).not.toEqual(orders[0])
  expect(orders[2]).not.toEqual(orders[1])
})

test('the order follows the seed, and is that of the first epoch unless each shall have its own', async () => {
  const root = folderWith(12)
  const orderOf = async (options: Partial<DatasetOptions>) =>
    take(await open({ root, ...options }), range(24))
  const base = await orderOf({ seed: 1, reshuffle: true })
  expect(await orderOf({ seed: 1, reshuffle: true })).toEqual(base)
  expect(await orderOf({ seed: 2, reshuffle: true })).not.toEqual(base)
  expect(base.slice(12)).not.toEqual(base.slice(0, 12))
  expect(await orderOf({ seed: 1 })).toEqual([...base.slice(0, 12), ...base.slice(0, 12)])
  expect(await orderOf({})).toEqual(await orderOf({ seed: 42, reshuffle: false, rank: 0, worldSize: 1 }))
})

test.each([
  { images: 12, worldSize: 4 },
  { images: 13, worldSize: 4 },
  { images: 3, worldSize: 5 },
])('the ranks share each epoch without overlap and without gap: %j', async ({ images, worldSize }) => {
  const bad = [2]
  const root = folderWith(images, bad)
  const byEpoch = new Map<number, number[]>()
  for (const rank of range(worldSize)) {
    const dataset = await open({ root, rank, worldSize })
    for (let step = 0; ; step++) {
      const { epoch, index } = await dataset.sampleAt(step)
      if (epoch > 3) break
      byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), index])
    }
  }
  for (const epoch of range(4))
    expect(byEpoch.get(epoch)?.toSorted((a, b) => a - b)).toEqual(
      range(images).filter((i) => !bad.includes(i)),
    )
})

test('bad images are named once, counted by reason and never sampled', async () => {
  const good = await picture(8).png().toBuffer()
  const root = folderOf({
    'a/bomb.png': craftedPng(60_000, 60_000),
    'a/cut.png': good.subarray(0, 100),
    'a/empty.jpg': '',
    'a/good.png': good,
    'a/text.jpg': 'text',
    'a/wrong.jpg': good,
    'a/z.bmp': Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]),
  })
  const warnings: { code: string; message: string }[] = []
  const dataset = await open({ root, onWarning: (message, code) => warnings.push({ code, message }) })
  expect(dataset.counts).toEqual({ images: 7, usable: 0, skipped: 0, unchecked: 7, byReason: {} })
  for (const step of range(20)) expect((await dataset.sampleAt(step)).relativePath).toBe('a/good.png')
  expect(dataset.skipped.map(({ relativePath, reason }) => `${relativePath} ${reason}`)).toEqual([
    'a/bomb.png too-large',
    'a/cut.png truncated',
    'a/empty.jpg empty',
    'a/text.jpg corrupted',
    'a/wrong.jpg wrong-extension',
    'a/z.bmp unsupported',
  ])
  expect(warnings.map(({ code }) => code)).toEqual(Array(6).fill('SKIPPED_IMAGE'))
  expect(warnings.map(({ message }) => message)).toContain(
    'a/empty.jpg: skipped as empty; the file has no bytes',
  )
  const byReason = {
    'too-large': 1,
    truncated: 1,
    empty: 1,
    corrupted: 1,
    'wrong-extension': 1,
    unsupported: 1,
  }
  expect(dataset.counts).toEqual({ images: 7, usable: 1, skipped: 6, unchecked: 0, byReason })
})

test('reasons that occur twice are counted twice', async () => {
  const dataset = await open({ root: folderWith(5, [0, 1, 2]) })
  await take(dataset, range(2))
  expect((await take(dataset, [3]))[0]).toBeGreaterThan(2)
  expect(dataset.counts.byReason).toEqual({ empty: 3 })
})

test('maxPixels and acceptWrongExtension reach the check', async () => {
  const root = folderOf({
    'a/1.png': await picture(8).png().toBuffer(),
    'a/2.jpg': await picture(2).png().toBuffer(),
  })
  const dataset = await open({ root, maxPixels: 63, acceptWrongExtension: true })
  expect(await take(dataset, range(3))).toEqual([1, 1, 1])
  expect(dataset.skipped).toEqual([
    { relativePath: 'a/1.png', reason: 'too-large', detail: 'it declares 8x8 pixels, more than 63' },
  ])
})

test('warnings go to the process by default', async () => {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const dataset = await openImageDataset({ root: folderWith(2, [0]) })
  await take(dataset, range(2))
  expect(emit.mock.calls).toEqual([
    [
      'images/0000.png: skipped as empty; the file has no bytes',
      { type: 'EvolmmWarning', code: 'SKIPPED_IMAGE' },
    ],
  ])
  emit.mockRestore()
})

test.each([{ reshuffle: true }, { reshuffle: false }])(
  'a folder without a usable image is an error that counts the reasons: %j',
  async (options) => {
    const root = folderOf({ 'a/1.png': '', 'a/2.png': 'text', 'a/3.png': '' })
    const dataset = await open({ root, ...options, worldSize: 2, rank: 1 })
    for (const step of [0, 9]) {
      await expect(dataset.sampleAt(step)).rejects.toThrow(
        coded('NO_USABLE_IMAGE', /rank 1 of 2 .* \(of 3 images: 2 empty, 1 corrupted\)|1 corrupted, 2 empty/),
      )
      await expect(dataset.sampleAt(step)).rejects.toMatchObject({
        details: { images: 3, rank: 1, worldSize: 2, byReason: { empty: 2, corrupted: 1 } },
      })
    }
    expect(checkImage).toHaveBeenCalledTimes(3)
  },
)

test('in a fixed order, a rank whose share holds no usable image is told so; the others go on', async () => {
  const order = shuffledOrder({ length: 6, seed: 42, epoch: 0 })
  // Rank 0 of 2 sees the images at even places of the order, for ever.
  const root = folderWith(6, [order[0], order[2], order[4]])
  const first = await open({ root, reshuffle: false, rank: 0, worldSize: 2 })
  await expect(first.sampleAt(0)).rejects.toThrow(coded('NO_USABLE_IMAGE'))
  expect(first.counts.unchecked).toBe(3)
  const second = await open({ root, reshuffle: false, rank: 1, worldSize: 2 })
  expect(await take(second, range(4))).toEqual([order[1], order[3], order[5], order[1]])
  // The same when all is known beforehand.
  const both = await open({ root })
  await take(both, range(3))
  const resumed = await open({ root, reshuffle: false, rank: 0, worldSize: 2, state: both.state })
  await expect(resumed.sampleAt(0)).rejects.toThrow(coded('NO_USABLE_IMAGE'))
  // Reshuffled, the same rank meets the usable images sooner or later.
  const shuffled = await open({ root, reshuffle: true, rank: 0, worldSize: 2 })
  expect([order[1], order[3], order[5]]).toContain((await take(shuffled, [0]))[0])
})

test('only images that have to be looked at are checked, each once', async () => {
  const dataset = await open({ root: folderWith(30) })
  await dataset.sampleAt(0)
  expect(checkImage).toHaveBeenCalledTimes(1)
  await dataset.sampleAt(9)
  expect(checkImage).toHaveBeenCalledTimes(10)
  await take(dataset, range(10))
  expect(checkImage).toHaveBeenCalledTimes(10)
  await take(dataset, range(60))
  expect(checkImage).toHaveBeenCalledTimes(30)
})

test('calls at the same time share checks and agree with calls one by one', async () => {
  const root = folderWith(10, [3, 7])
  const alone = await take(await open({ root }), range(24))
  vi.mocked(checkImage).mockClear()
  const warnings: { code: string; message: string }[] = []
  const dataset = await open({ root, onWarning: (message, code) => warnings.push({ code, message }) })
  const samples = await Promise.all(range(24).map((step) => dataset.sampleAt(step)))
  expect(samples.map(({ index }) => index)).toEqual(alone)
  expect(checkImage).toHaveBeenCalledTimes(10)
  expect(warnings).toHaveLength(2)
})

test('samples() walks from any step', async () => {
  const dataset = await open({ root: folderWith(5) })
  const expected = await take(dataset, range(8))
  for (const from of [undefined, 3]) {
    const seen = []
    for await (const { index } of dataset.samples(from)) if (seen.push(index) === 5) break
    expect(seen).toEqual(expected.slice(from ?? 0, (from ?? 0) + 5))
  }
})

test('state carries what is known to another process and saves every check', async () => {
  const root = folderWith(20, [1, 12])
  const dataset = await open({ root })
  const expected = await take(dataset, range(40))
  const state = JSON.parse(JSON.stringify(dataset.state)) as DatasetState
  vi.mocked(checkImage).mockClear()
  const warnings: { code: string; message: string }[] = []
  const resumed = await open({ root, state, onWarning: (message, code) => warnings.push({ code, message }) })
  expect(resumed.counts).toEqual(dataset.counts)
  expect(resumed.skipped).toEqual(dataset.skipped)
  expect(await take(resumed, [39, 5])).toEqual([expected[39], expected[5]])
  expect(resumed.state).toEqual(state)
  expect(checkImage).not.toHaveBeenCalled()
  expect(warnings).toEqual([])
})

test('state is compact: a bit per image up to the last one checked', async () => {
  const dataset = await open({ root: folderWith(400) })
  expect(dataset.state.checked).toBe('')
  await take(dataset, range(400))
  expect(Buffer.from(dataset.state.checked, 'base64')).toEqual(Buffer.alloc(50, 0xff))
})

test('state of another folder content, other rules or another kind is refused', async () => {
  const root = folderWith(3)
  const { state } = await open({ root })
  const other = folderWith(4)
  await expect(open({ root: other, state })).rejects.toThrow(
    coded('STATE_MISMATCH', /^root: must hold the same images by name/),
  )
  await expect(open({ root, state, maxPixels: 10 })).rejects.toThrow(
    coded('STATE_MISMATCH', /same maxPixels/),
  )
  await expect(open({ root, state, acceptWrongExtension: true })).rejects.toThrow(
    coded('STATE_MISMATCH', /same accept/),
  )
  renameSync(join(root, 'images/0000.png'), join(root, 'images/9999.png'))
  await expect(open({ root, state })).rejects.toThrow(coded('STATE_MISMATCH'))
  for (const bad of [
    null,
    1,
    {},
    { ...state, version: 2 },
    { ...state, checked: 1 },
    { ...state, skipped: {} },
    { ...state, skipped: [null] },
    { ...state, skipped: [{ index: -1, reason: 'empty', detail: '' }] },
    { ...state, skipped: [{ index: 0, reason: 'constructor', detail: '' }] },
    { ...state, skipped: [{ index: 0, reason: 'empty' }] },
    { ...state, fingerprint: null },
  ])
    await expect(open({ root, state: bad as never })).rejects.toThrow(coded('STATE_INVALID'))
})

test('what one rank knows helps another: state does not depend on the shard', async () => {
  const root = folderWith(8, [6])
  const all = await open({ root })
  await take(all, range(8))
  vi.mocked(checkImage).mockClear()
  const shard = { seed: 9, rank: 1, worldSize: 2, reshuffle: false }
  const dataset = await open({ root, state: all.state, ...shard })
  const expected = definition(8, [6], shard, 10)
  for (const step of range(10)) expect(await dataset.sampleAt(step)).toMatchObject(expected[step])
  expect(checkImage).not.toHaveBeenCalled()
})

test('a check that fails for a reason of its own is reported and can be repeated', async () => {
  const dataset = await open({ root: folderWith(1) })
  vi.mocked(checkImage).mockRejectedValueOnce(new Error('out of memory'))
  await expect(dataset.sampleAt(0)).rejects.toThrow('out of memory')
  expect((await dataset.sampleAt(0)).index).toBe(0)
})

test('bad options are errors before any work', async () => {
  const root = folderWith(2)
  const invalid = [
    { seed: -1 },
    { seed: 0.5 },
    { seed: '1' },
    { rank: 1 },
    { rank: 2, worldSize: 2 },
    { rank: -1 },
    { worldSize: 0 },
    { worldSize: 1.5 },
    { reshuffle: 1 },
    { dropDuplicates: 'yes' },
    { maxPixels: 0 },
    { acceptWrongExtension: null, maxPixels: -1 },
    { manifest: '' },
    { root: '' },
    { includeSubfolders: 'images' },
  ]
  for (const options of invalid)
    await expect(open({ root, ...(options as object) })).rejects.toThrow(coded('INVALID_OPTION'))
  await expect(open({ root: join(root, 'missing') })).rejects.toThrow(coded('INVALID_ROOT'))
  await expect(open({ root: join(root, 'images/0000.png') })).rejects.toThrow(coded('INVALID_ROOT'))
  await expect(open({ root: folderOf() })).rejects.toThrow(coded('NO_IMAGES'))
  const dataset = await open({ root })
  for (const step of [-1, 0.5, NaN, Infinity, 2 ** 32, '1'])
    await expect(dataset.sampleAt(step as number)).rejects.toThrow(coded('INVALID_OPTION', /^step: must be/))
  expect(checkImage).not.toHaveBeenCalled()
})

test('files that appear or vanish between openings are seen by the next opening', async () => {
  const files = await healthy(3)
  const root = folderOf(files)
  expect((await open({ root })).length).toBe(3)
  addFiles(root, { 'images/new.png': pixel })
  expect((await open({ root })).length).toBe(4)
})
