import { createHash } from 'node:crypto'
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { beforeEach, expect, test, vi } from 'vitest'
import {
  buildManifest,
  findDuplicates,
  openImageDataset,
  readManifest,
  writeManifest,
  type BuildManifestOptions,
  type DatasetOptions,
  type ManifestEntry,
} from '@evolmm/dataset'
import { checkImage } from '../src/check-image'
import { addFiles, folderOf, healthy, picture } from './make-images'

vi.mock('../src/check-image', { spy: true })
beforeEach(() => {
  vi.mocked(checkImage).mockClear()
})

const silent = { onWarning: () => undefined }
const build = (options: BuildManifestOptions) => buildManifest({ ...silent, ...options })
const open = (options: DatasetOptions) => openImageDataset({ ...silent, ...options })
const coded = (code: string, message?: RegExp) =>
  expect.objectContaining({
    name: 'EvolmmError',
    code,
    ...(message && { message: expect.stringMatching(message) as string }),
  }) as Error

async function entriesOf(file: string): Promise<ManifestEntry[]> {
  const entries = []
  for await (const entry of (await readManifest(file)).entries) entries.push(entry)
  return entries
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)
async function take(options: DatasetOptions, steps: number): Promise<string[]> {
  const dataset = await open(options)
  const paths = []
  for (const step of range(steps)) paths.push((await dataset.sampleAt(step)).relativePath)
  return paths
}

/** Three images in `a`, one of them empty, and a place for the manifest. */
async function example() {
  const root = folderOf({ ...(await healthy(2, (i) => `a/${i}.png`)), 'a/2.jpg': '' })
  return { root, file: join(folderOf(), 'images.jsonl') }
}

const header = { images: 0, maxPixels: 178956970, acceptWrongExtension: false }

test('holds a header and a line per image with size, time, hash and measures, or the reason to skip it', async () => {
  const { root, file } = await example()
  const progress: unknown[] = []
  const summary = await build({ root, file, onProgress: (state) => progress.push(state) })
  expect(summary).toEqual({ images: 3, usable: 2, reused: 0, byReason: { empty: 1 } })
  expect(progress).toEqual([1, 2, 3].map((done) => ({ done, images: 3 })))

  const [first, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(JSON.parse(first)).toEqual({ kind: 'evolmm-images', version: 1, ...header, images: 3 })
  const stamp = (path: string) => ({
    path,
    size: statSync(join(root, path)).size,
    mtime: statSync(join(root, path)).mtimeMs,
  })
  const image = (path: string) => ({
    ...stamp(path),
    sha256: createHash('sha256')
      .update(readFileSync(join(root, path)))
      .digest('hex'),
    width: 2,
    height: 2,
    format: 'png',
  })
  const expected = [
    image('a/0.png'),
    image('a/1.png'),
    { ...stamp('a/2.jpg'), skipped: 'empty', detail: 'the file has no bytes' },
  ]
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(expected)
  expect(await entriesOf(file)).toEqual(expected)
})

sizedTest(
  'what is written is read back, whatever the paths, more than once',
  { manifests: [50, 100, 5000] },
  async ({ count, seed }) => {
    const file = join(folderOf(), 'm.jsonl')
    // U+2028 is a line end to many readers; the order is by code point, not by UTF-16 unit.
    const path = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '\n', '\u2028', 'é', '\uffee', '\u{1f600}'),
      minLength: 1,
    })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(path, { maxLength: 20 }), async (paths) => {
        paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const entries = paths.map((path, i) => ({
          path,
          size: i,
          mtime: i / 3,
          skipped: 'empty' as const,
          detail: 'x',
        }))
        await writeManifest(file, { ...header, images: entries.length }, entries)
        const manifest = await readManifest(file)
        expect(manifest.images).toBe(entries.length)
        for (let again = 0; again < 2; again++) {
          const read = []
          for await (const entry of manifest.entries) read.push(entry)
          expect(read).toEqual(entries)
        }
      }),
      { seed, numRuns: count },
    )
  },
)

test('a manifest of many lines is written and read in pieces', async () => {
  const file = join(folderOf(), 'm.jsonl')
  const images = 5000
  const entries = range(images).map((i) => ({
    path: String(10_000 + i),
    size: 1,
    mtime: 2,
    skipped: 'corrupted' as const,
    detail: 'x',
  }))
  await writeManifest(file, { ...header, images }, entries)
  expect(await entriesOf(file)).toEqual(entries)
})

test('a failed write leaves the old manifest and nothing else', async () => {
  const { root, file } = await example()
  await build({ root, file })
  const before = readFileSync(file, 'utf8')
  const entry = { path: 'b', size: 1, mtime: 1, skipped: 'empty' as const, detail: 'x' }
  const broken = (function* () {
    yield entry
    throw new Error('disk on fire')
  })()
  await expect(writeManifest(file, { ...header, images: 2 }, broken)).rejects.toThrow('disk on fire')
  await expect(writeManifest(file, { ...header, images: 2 }, [entry])).rejects.toThrow(
    coded('INVALID_OPTION', /number of entries, 1, got 2/),
  )
  await expect(
    writeManifest(file, { ...header, images: 2 }, [entry, { ...entry, path: 'a' }]),
  ).rejects.toThrow(coded('INVALID_OPTION', /must ascend/))
  await expect(writeManifest(file, { ...header, images: 2 }, [entry, entry])).rejects.toThrow(
    coded('INVALID_OPTION', /must ascend/),
  )
  vi.mocked(checkImage).mockRejectedValue(new Error('no memory'))
  addFiles(root, { 'a/3.png': 'new' })
  await expect(build({ root, file })).rejects.toThrow('no memory')
  vi.mocked(checkImage).mockReset()
  expect(readFileSync(file, 'utf8')).toBe(before)
  expect(readdirSync(join(file, '..'))).toEqual(['images.jsonl'])
})

test('a dataset that opens with a manifest decodes nothing and samples the same', async () => {
  const { root, file } = await example()
  const expected = await take({ root }, 8)
  await build({ root, file })
  vi.mocked(checkImage).mockClear()
  const warnings: { code: string; message: string }[] = []
  expect(
    await take({ root, manifest: file, onWarning: (message, code) => warnings.push({ code, message }) }, 8),
  ).toEqual(expected)
  expect(checkImage).not.toHaveBeenCalled()
  // Every process names the images that it skips.
  expect(warnings.map(({ message }) => message)).toEqual(['a/2.jpg: skipped as empty; the file has no bytes'])
})

test('only images that changed, appeared or could not be read are checked anew', async () => {
  const root = folderOf(await healthy(6, (i) => `a/${i}.png`))
  symlinkSync(join(root, 'nowhere'), join(root, 'a/6.png'))
  const file = join(folderOf(), 'm.jsonl')
  await build({ root, file })
  const old = statSync(join(root, 'a/1.png'))
  addFiles(root, { 'a/0.png': '', 'a/00.png': await picture(2, 99).png().toBuffer() })
  utimesSync(join(root, 'a/1.png'), old.atime, new Date(old.mtimeMs + 5))
  rmSync(join(root, 'a/2.png'))
  writeFileSync(join(root, 'nowhere'), await picture(2, 98).png().toBuffer())
  vi.mocked(checkImage).mockClear()
  const sampled = await take({ root, manifest: file }, 6)
  expect(new Set(sampled)).toEqual(
    new Set(['a/00.png', 'a/1.png', 'a/3.png', 'a/4.png', 'a/5.png', 'a/6.png']),
  )
  const checked = vi.mocked(checkImage).mock.calls.map(([path]) => path.slice(root.length + 1))
  expect(checked.sort()).toEqual(['a/0.png', 'a/00.png', 'a/1.png', 'a/6.png'])
})

test('size and time must both be as they were, and who may read a file can change without either', async () => {
  const { root, file } = await example()
  await build({ root, file })
  const old = statSync(join(root, 'a/1.png'))
  addFiles(root, { 'a/1.png': await picture(9).png().toBuffer() })
  utimesSync(join(root, 'a/1.png'), old.atime, old.mtime)
  const entries = await entriesOf(file)
  const { path, size, mtime } = entries[0]
  entries[0] = { path, size, mtime, skipped: 'unreadable', detail: 'EACCES' }
  const stamp = statSync(join(root, 'a/1.png')).mtimeMs
  entries[1] = { ...entries[1], mtime: stamp }
  await writeManifest(file, { ...header, images: 3 }, entries)
  vi.mocked(checkImage).mockClear()
  expect(new Set(await take({ root, manifest: file }, 4))).toEqual(new Set(['a/0.png', 'a/1.png']))
  expect(checkImage).toHaveBeenCalledTimes(2)
})

test('building again reuses what has not changed and drops what is gone', async () => {
  const { root, file } = await example()
  await build({ root, file })
  addFiles(root, {
    'a/1.png': await picture(4).png().toBuffer(),
    'a/9.png': await picture(3).png().toBuffer(),
  })
  rmSync(join(root, 'a/0.png'))
  vi.mocked(checkImage).mockClear()
  expect(await build({ root, file })).toEqual({ images: 3, usable: 2, reused: 1, byReason: { empty: 1 } })
  expect(checkImage).toHaveBeenCalledTimes(2)
  const again = (await entriesOf(file)).map((entry) => [
    entry.path,
    'width' in entry ? entry.width : entry.skipped,
  ])
  expect(again).toEqual([
    ['a/1.png', 4],
    ['a/2.jpg', 'empty'],
    ['a/9.png', 3],
  ])
  // Other rules, other verdicts: nothing is reused.
  expect(await build({ root, file, maxPixels: 9 })).toMatchObject({
    reused: 0,
    byReason: { empty: 1, 'too-large': 1 },
  })
  expect(await build({ root, file, maxPixels: 9, acceptWrongExtension: true })).toMatchObject({ reused: 0 })
  expect(await build({ root, file, maxPixels: 9, acceptWrongExtension: true })).toMatchObject({ reused: 3 })
})

test('skipped images are named while building, by default to the process', async () => {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const { root, file } = await example()
  await buildManifest({ root, file })
  expect(emit).toHaveBeenCalledExactlyOnceWith('a/2.jpg: skipped as empty; the file has no bytes', {
    type: 'EvolmmWarning',
    code: 'SKIPPED_IMAGE',
  })
  emit.mockRestore()
})

test('a manifest moves with its folder', async () => {
  const { root, file } = await example()
  await build({ root, file })
  const moved = join(folderOf(), 'elsewhere')
  renameSync(root, moved)
  vi.mocked(checkImage).mockClear()
  await take({ root: moved, manifest: file }, 4)
  expect(checkImage).not.toHaveBeenCalled()
})

test('a manifest of other rules, of another version or none at all is refused', async () => {
  const { root, file } = await example()
  await build({ root, file })
  await expect(open({ root, manifest: file, maxPixels: 5 })).rejects.toThrow(
    coded('MANIFEST_MISMATCH', /maxPixels 5, got 178956970/),
  )
  await expect(open({ root, manifest: file, acceptWrongExtension: true })).rejects.toThrow(
    coded('MANIFEST_MISMATCH'),
  )
  await expect(open({ root, manifest: join(root, 'none') })).rejects.toThrow(
    coded('MANIFEST_NOT_FOUND', /rebuild/),
  )
  await expect(open({ root, manifest: root })).rejects.toThrow(coded('MANIFEST_NOT_FOUND'))
  writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":2'))
  await expect(open({ root, manifest: file })).rejects.toThrow(
    coded('MANIFEST_VERSION', /version 1, got 2; rebuild/),
  )
})

const damages: [string, (text: string) => string, number][] = [
  ['an empty file', () => '', 1],
  ['a header without a count', (text) => text.replace('"images":3,', ''), 1],
  ['a header without a limit', (text) => text.replace(/"maxPixels":\d+,/, ''), 1],
  ['a header without a rule', (text) => text.replace(',"acceptWrongExtension":false', ''), 1],
  ['a last line cut by a kill', (text) => text.slice(0, -20), 4],
  ['a missing last line', (text) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1), 4],
  ['a line too many', (text) => text + text.split('\n')[3].replace('a/2', 'a/3') + '\n', 5],
  ['a repeated line', (text) => text.replace(/("path".*\n)/, '$1{$1'), 3],
  ['lines out of order', (text) => text.replace(/\n(.*)\n(.*)\n/, '\n$2\n$1\n'), 3],
  ['a broken line', (text) => text.replace('"size"', 'size'), 2],
  ['a line that is no object', (text) => text.replace(/\n.*/, '\n3'), 2],
  ['a line that is null', (text) => text.replace(/\n.*/, '\nnull'), 2],
  ['a line without path', (text) => text.replace('"path"', '"file"'), 2],
  ['a line without time', (text) => text.replace('"mtime"', '"time"'), 2],
  ['a line without hash', (text) => text.replace('"sha256"', '"md5"'), 2],
  ['a line without measures', (text) => text.replace('"width":2', '"width":"2"'), 2],
]

test.each(damages)('%s is damage: refused for sampling, healed by building', async (_, damage, line) => {
  const { root, file } = await example()
  await build({ root, file })
  const whole = readFileSync(file, 'utf8')
  const damaged = damage(whole)
  expect(damaged).not.toBe(whole)
  writeFileSync(file, damaged)
  await expect(open({ root, manifest: file })).rejects.toThrow(
    coded('MANIFEST_DAMAGED', new RegExp(`line ${line} .*; rebuild it with buildManifest$`)),
  )
  // Lines before the damage are as good as ever, since each is compared with its file.
  const warnings: { code: string; message: string }[] = []
  const summary = await build({ root, file, onWarning: (message, code) => warnings.push({ code, message }) })
  expect(summary).toMatchObject({ images: 3, usable: 2 })
  expect(readFileSync(file, 'utf8')).toBe(whole)
  if (line < 5) {
    expect(summary.reused).toBe(Math.max(0, line - 2))
    expect(warnings[0]).toMatchObject({
      code: 'MANIFEST_DAMAGED',
      message: expect.stringMatching(/images from there on are checked anew$/) as string,
    })
    expect(warnings).toHaveLength(2)
  }
})

test('building over a manifest of another version starts anew, with a warning', async () => {
  const { root, file } = await example()
  await build({ root, file })
  writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":2'))
  const warnings: { code: string; message: string }[] = []
  expect(
    await build({ root, file, onWarning: (message, code) => warnings.push({ code, message }) }),
  ).toMatchObject({
    reused: 0,
  })
  expect(warnings[0].message).toMatch(/must be of version 1, got 2; images from there on are checked anew$/)
})

test('duplicates are images with equal bytes; skipped ones do not count', async () => {
  const [first, second] = [await picture(2, 1).png().toBuffer(), await picture(2, 2).png().toBuffer()]
  const root = folderOf({
    'a/1.png': first,
    'a/2.png': second,
    'b/1.png': first,
    'b/2.png': '',
    'c/1.png': first,
    'c/2.png': '',
    'd/1.png': second,
  })
  const file = join(folderOf(), 'm.jsonl')
  await build({ root, file })
  const groups = [
    ['a/1.png', 'b/1.png', 'c/1.png'],
    ['a/2.png', 'd/1.png'],
  ]
  expect(await findDuplicates((await readManifest(file)).entries)).toEqual(groups)
  expect(await findDuplicates(await entriesOf(file))).toEqual(groups)

  const warnings: { code: string; message: string }[] = []
  const options = {
    root,
    manifest: file,
    dropDuplicates: true,
    onWarning: (message: string, code: string) => warnings.push({ code, message }),
  }
  vi.mocked(checkImage).mockClear()
  const dataset = await open(options)
  const sampled = await Promise.all(range(4).map(async (step) => (await dataset.sampleAt(step)).relativePath))
  expect(sampled.slice(0, 2).sort()).toEqual(['a/1.png', 'a/2.png'])
  expect(sampled.slice(2).sort()).toEqual(['a/1.png', 'a/2.png'])
  expect(checkImage).not.toHaveBeenCalled()
  expect(dataset.counts.byReason).toEqual({ duplicate: 3, empty: 2 })
  expect(dataset.skipped[0]).toEqual({
    relativePath: 'b/1.png',
    reason: 'duplicate',
    detail: 'its content is that of a/1.png',
  })
  // Duplicates were asked to be dropped: they are counted, not warned about, and no part of the state.
  expect(warnings).toHaveLength(2)
  expect(dataset.state.skipped).toHaveLength(2)
  const everything = await open({ root, state: dataset.state })
  expect(everything.counts).toMatchObject({ usable: 2, skipped: 2, unchecked: 3 })
  const again = await open({ ...options, state: dataset.state })
  expect(again.counts).toEqual(dataset.counts)
})

test('duplicates are dropped in folders of more images than are looked at together', async () => {
  const same = await picture(2).png().toBuffer()
  const root = folderOf(Object.fromEntries(range(70).map((i) => [`a/${i}.png`, same])))
  const file = join(folderOf(), 'm.jsonl')
  await build({ root, file })
  const dataset = await open({ root, manifest: file, dropDuplicates: true })
  expect(dataset.counts).toMatchObject({ usable: 1, skipped: 69, unchecked: 0 })
})

test('dropping duplicates needs a manifest that knows every usable image as it is', async () => {
  const { root, file } = await example()
  await expect(open({ root, dropDuplicates: true })).rejects.toThrow(
    coded('MANIFEST_INCOMPLETE', /pass a manifest/),
  )
  await build({ root, file })
  const incomplete = coded('MANIFEST_INCOMPLETE', /none for a\/[01]+\.png; rebuild it/)
  addFiles(root, { 'a/11.png': await picture(2, 7).png().toBuffer() })
  await expect(open({ root, manifest: file, dropDuplicates: true })).rejects.toThrow(incomplete)
  // An image that cannot be used need not be known: its content plays no part.
  addFiles(root, { 'a/11.png': '' })
  expect((await open({ root, manifest: file, dropDuplicates: true })).counts).toMatchObject({
    usable: 2,
    skipped: 2,
  })
  addFiles(root, { 'a/1.png': await picture(3).png().toBuffer() })
  await expect(open({ root, manifest: file, dropDuplicates: true })).rejects.toThrow(incomplete)
})

test('a damaged original does not take its copies with it', async () => {
  const same = await picture(2).png().toBuffer()
  const root = folderOf({ 'a/1.png': same, 'a/2.png': same })
  const file = join(folderOf(), 'm.jsonl')
  await build({ root, file })
  addFiles(root, { 'a/1.png': '' })
  expect(await take({ root, manifest: file, dropDuplicates: true }, 2)).toEqual(['a/2.png', 'a/2.png'])
})

test('a manifest may lie in the folder that it describes, and knows only the scanned subfolders', async () => {
  const root = folderOf(await healthy(4, (i) => `${i < 2 ? 'a' : 'b'}/${i}.png`))
  const file = join(root, 'manifest.jsonl')
  await build({ root, file, includeSubfolders: ['a'] })
  expect((await entriesOf(file)).map(({ path }) => path)).toEqual(['a/0.png', 'a/1.png'])
  vi.mocked(checkImage).mockClear()
  await take({ root, manifest: file }, 4)
  expect(checkImage).toHaveBeenCalledTimes(2)
  expect(existsSync(file)).toBe(true)
})

test('bad options are errors before any work', async () => {
  const { root, file } = await example()
  for (const bad of [{ file: '' }, { file: undefined }, { maxPixels: 0 }, { root: '' }])
    await expect(build({ root, file, ...bad } as never)).rejects.toThrow(coded('INVALID_OPTION'))
  expect(existsSync(file)).toBe(false)
})

test.each<[string, (text: string) => string]>([
  ['no header', (text) => text.slice(text.indexOf('\n') + 1)],
  ['a header of another kind', (text) => text.replace('evolmm-images', 'other')],
  ['a header that is null', (text) => text.replace(/^.*/, 'null')],
])('%s is no manifest at all: refused for sampling and for building', async (_, damage) => {
  const { root, file } = await example()
  await build({ root, file })
  const other = damage(readFileSync(file, 'utf8'))
  writeFileSync(file, other)
  await expect(open({ root, manifest: file })).rejects.toThrow(coded('MANIFEST_DAMAGED', /line 1/))
  await expect(build({ root, file })).rejects.toThrow(coded('NOT_A_MANIFEST'))
  expect(readFileSync(file, 'utf8')).toBe(other)
})

test('replaces nothing but a manifest', async () => {
  const { root, file } = await example()
  const other = `${file}.notes`
  writeFileSync(other, 'precious')
  for (const place of [other, join(root, 'a/0.png'), root, join(root, 'missing/images.jsonl')])
    await expect(build({ root, file: place })).rejects.toThrow(coded('NOT_A_MANIFEST'))
  expect(readFileSync(other, 'utf8')).toBe('precious')
})
