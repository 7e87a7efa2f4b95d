import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { build } from 'tsup'
import { expect, onTestFinished, test, vi } from 'vitest'
import { scanImages, type ScanOptions } from '@evolmm/dataset'
import { addFiles, folderOf } from './make-images'
import { peakMegabytes } from './peak-memory'

// Tests may run as root, who is refused nothing: refusals are simulated.
const realFs = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  return { ...real, opendir: vi.fn(real.opendir) }
})

/** All paths of a scan, and what it warned about. */
async function scan(options: ScanOptions) {
  const warnings: { code: string; message: string }[] = []
  const scanned = await scanImages({
    onWarning: (message, code) => warnings.push({ code, message }),
    ...options,
  })
  return { scanned, paths: Array.from({ length: scanned.length }, (_, i) => scanned.at(i)), warnings }
}

test('takes the images of all visible first-level subfolders, recursively, and says how many beside them it does not', async () => {
  const root = folderOf({
    'beside.png': '',
    'split1/a.jpg': '',
    'split1/deep/er/b.png': '',
    'split1/.hidden/c.png': '',
    'split1/.d.png': '',
    'split1/notes.txt': '',
    'split1/png': '',
    'split1/.png': '',
    'split2/e.webp': '',
    '.cache/f.png': '',
  })
  const { scanned, paths, warnings } = await scan({ root })
  expect(paths).toEqual(['split1/a.jpg', 'split1/deep/er/b.png', 'split2/e.webp'])
  expect(scanned.root).toBe(resolve(root))
  expect(warnings).toEqual([
    {
      code: 'UNUSED_IMAGES',
      message: `${resolve(root)}: 1 image beside its subfolders; only what is in these is used`,
    },
  ])
})

test('images that are all beside a subfolder are none, and the error says so', async () => {
  const root = folderOf({ '1.png': '', '2.png': '', 'notes/a.txt': '' })
  await expect(scan({ root })).rejects.toMatchObject({
    code: 'NO_IMAGES',
    message: expect.stringMatching(/found none in those of .* and 2 beside them; move these/) as string,
  })
})

test('takes every extension that is listed, in any case', async () => {
  const names = [
    'a.PNG',
    'b.Jpg',
    'c.JPEG',
    'd.webP',
    'e.BMP',
    'f.tiff',
    'g.TIF',
    'h.gif',
    'i.avif',
    'j.jpe',
    'k.jfif',
  ]
  const others = ['x.svg', 'x.pdf', 'x.png.txt', 'x.heic', 'xpng', 'x.']
  const root = folderOf(Object.fromEntries([...names, ...others].map((name) => [`s/${name}`, ''])))
  expect((await scan({ root })).paths).toEqual(names.map((name) => `s/${name}`))
})

test('includeSubfolders selects exact first-level names, each once, hidden ones too', async () => {
  const root = folderOf({ 'a/1.png': '', 'ab/2.png': '', '.c/3.png': '', 'd/4.png': '' })
  const { paths, warnings } = await scan({ root, includeSubfolders: ['d', 'a', '.c', 'a'] })
  expect(paths).toEqual(['.c/3.png', 'a/1.png', 'd/4.png'])
  expect(warnings).toEqual([])
})

test('an empty includeSubfolders is as good as none', async () => {
  const root = folderOf({ 'a/1.png': '', '2.png': '' })
  const { paths, warnings } = await scan({ root, includeSubfolders: [] })
  expect(paths).toEqual(['a/1.png'])
  expect(warnings.map(({ code }) => code)).toEqual(['UNUSED_IMAGES'])
})

test('each missing subfolder is named in a warning, a file of that name too', async () => {
  const root = folderOf({ 'a/1.png': '', 'b/2.png': '', file: '' })
  const { paths, warnings } = await scan({ root, includeSubfolders: ['A', 'a', 'file'] })
  expect(paths).toEqual(['a/1.png'])
  expect(warnings).toEqual([
    {
      code: 'MISSING_SUBFOLDER',
      message: `${root}: has no folder "A" to include; it is left out`,
    },
    {
      code: 'MISSING_SUBFOLDER',
      message: `${root}: has no folder "file" to include; it is left out`,
    },
  ])
})

test('falls back to the root when no included subfolder exists, with a warning', async () => {
  const root = folderOf({ 'a/1.png': '', '2.png': '', '.h/3.png': '' })
  symlinkSync(join(root, 'a'), join(root, 'link'))
  const { paths, warnings } = await scan({ root, includeSubfolders: ['missing'] })
  // As a whole, the root is walked like any other folder: its links to folders are not followed.
  expect(paths).toEqual(['2.png', 'a/1.png'])
  expect(warnings.map(({ code }) => code)).toEqual(['MISSING_SUBFOLDER', 'NO_SUBFOLDER'])
})

test('falls back to the root when there are no visible subfolders', async () => {
  const root = folderOf({ '1.png': '', '.h/3.png': '' })
  const { paths, warnings } = await scan({ root })
  expect(paths).toEqual(['1.png'])
  expect(warnings).toEqual([])
})

test('follows links to folders on the first level only; links to files are images, links to nothing too', async () => {
  const root = folderOf({ 'real/1.png': '', 'real/sub/2.png': '' })
  symlinkSync(join(root, 'real'), join(root, 'alias'))
  symlinkSync(join(root, 'real'), join(root, '.alias'))
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
  symlinkSync(join(root, 'real/1.png'), join(root, 'beside.png'))
  symlinkSync(join(root, 'real'), join(root, 'real/circle'))
  symlinkSync(join(root, 'real/sub'), join(root, 'real/folder.png'))
  symlinkSync(join(root, 'real/1.png'), join(root, 'real/link.png'))
  symlinkSync(join(root, 'nowhere'), join(root, 'real/dangling.png'))
  mkdirSync(join(root, 'real/dir.png'))
  const images = ['1.png', 'dangling.png', 'link.png', 'sub/2.png']
  expect((await scan({ root })).paths).toEqual(
    ['alias', 'real'].flatMap((top) => images.map((i) => `${top}/${i}`)),
  )
})

test('more links in one folder than are looked at together', async () => {
  const root = folderOf({ 'a/0.png': '' })
  for (let i = 1; i < 150; i++) symlinkSync(join(root, 'a/0.png'), join(root, `a/${i}.png`))
  expect((await scan({ root })).paths).toHaveLength(150)
})

sizedTest(
  'the order is that of all paths sorted by code point, whatever the nesting',
  { folders: [30, 60, 2000] },
  async ({ count, seed }) => {
    // Names around "/" (U+002F) in order, prefixes of each other, and both sides of the surrogates.
    const name = fc.constantFrom('a', 'a!', 'a.b', 'a-', 'a0', 'aa', 'B', 'é', '\u{1f600}', '\uffee', '漢')
    const path = fc.array(name, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(fc.array(path, { minLength: 1, maxLength: 25 }), async (paths) => {
        // Folders end in "_", so that no path is both a folder and a file.
        const files = paths.map((parts) =>
          ['top', ...parts].map((part, i) => (i < parts.length ? `${part}_` : `${part}.png`)).join('/'),
        )
        const root = folderOf(Object.fromEntries(files.map((file) => [file, ''])))
        const sorted = [...new Set(files)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect((await scan({ root })).paths).toEqual(sorted)
      }),
      { seed, numRuns: count },
    )
  },
)

test('many sub-folders, more than are read ahead, come in order and completely', async () => {
  const files = Array.from({ length: 40 }, (_, i) => `top/d${String(i).padStart(2, '0')}/x.png`)
  const root = folderOf(Object.fromEntries(files.map((file) => [file, ''])))
  expect((await scan({ root })).paths).toEqual(files)
})

test('long lists are given back exactly', async () => {
  const files = Array.from(
    { length: 5000 },
    (_, i) => `a/${String(i).padStart(4, '0')}-${'é'.repeat(110)}.png`,
  )
  const root = folderOf(Object.fromEntries(files.map((file) => [file, ''])))
  expect((await scan({ root })).paths).toEqual(files)
})

test('names that are not UTF-8 are left out with one warning per folder', async () => {
  const root = folderOf({ 'a/good.png': '' })
  for (const bytes of [
    [0xff, 0x31],
    [0xfe, 0x32],
  ])
    writeFileSync(Buffer.concat([Buffer.from(`${root}/a/`), Buffer.from(bytes), Buffer.from('.png')]), '')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/a/`), Buffer.from([0xff]), Buffer.from('.txt')]), '')
  mkdirSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]))
  const { paths, warnings } = await scan({ root })
  expect(paths).toEqual(['a/good.png'])
  expect(warnings).toEqual([
    { code: 'UNUSABLE_NAME', message: `${root}: 1 names in it are not valid UTF-8; these are left out` },
    { code: 'UNUSABLE_NAME', message: 'a/: 2 names in it are not valid UTF-8; these are left out' },
  ])
})

test('a folder that cannot be opened or read to its end is left out with a warning', async () => {
  const root = folderOf({ 'a/1.png': '', 'locked/2.png': '', 'failing/3.png': '' })
  vi.mocked(opendir).mockImplementation(async (path, options) => {
    if (String(path).endsWith('locked/')) throw new Error('EACCES: permission denied')
    const handle = await realFs.opendir(path, options)
    if (String(path).endsWith('failing/'))
      vi.spyOn(handle, 'read').mockImplementation(((done: (error: Error) => void) => {
        done(new Error('EIO: i/o error'))
      }) as never)
    return handle
  })
  onTestFinished(() => {
    vi.mocked(opendir).mockImplementation(realFs.opendir)
  })
  const { paths, warnings } = await scan({ root })
  expect(paths).toEqual(['a/1.png'])
  expect(warnings).toEqual([
    {
      code: 'UNREADABLE_FOLDER',
      message: 'failing/: cannot be listed; left out (EIO: i/o error)',
    },
    {
      code: 'UNREADABLE_FOLDER',
      message: 'locked/: cannot be listed; left out (EACCES: permission denied)',
    },
  ])
})

test('at() gives back each path and refuses other indices', async () => {
  const root = folderOf({ 'a/1.png': '', 'a/2.png': '' })
  const { scanned } = await scan({ root })
  for (const index of [-1, 2, 0.5, NaN]) expect(() => scanned.at(index)).toThrow(RangeError)
})

test('the fingerprint tells lists of paths apart, not the folders that hold them', async () => {
  const first = folderOf({ 'a/1.png': '', 'a/2.png': 'x' })
  const second = folderOf({ 'a/1.png': 'y', 'a/2.png': '' })
  const fingerprint = async (root: string) => (await scan({ root })).scanned.fingerprint()
  const before = await fingerprint(first)
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  expect(await fingerprint(second)).toBe(before)
  addFiles(second, { 'a/3.png': '' })
  expect(await fingerprint(second)).not.toBe(before)
})

test('bad options and folders without images are errors', async () => {
  const root = folderOf({ 'a/notes.txt': '' })
  const code = (expected: string) => expect.objectContaining({ name: 'EvolmmError', code: expected }) as Error
  await expect(scan({ root })).rejects.toThrow(code('NO_IMAGES'))
  await expect(scan({ root: join(root, 'missing') })).rejects.toThrow(code('INVALID_ROOT'))
  await expect(scan({ root: join(root, 'a/notes.txt') })).rejects.toThrow(code('INVALID_ROOT'))
  for (const bad of [{ root: '' }, { root: 3 }, {}])
    await expect(scan(bad as never)).rejects.toThrow(code('INVALID_OPTION'))
  for (const includeSubfolders of ['a', [''], ['a/b'], ['..'], ['.'], [1], ['a\\b'], ['a\0']])
    await expect(scan({ root, includeSubfolders } as never)).rejects.toThrow(code('INVALID_OPTION'))
})

const memory = 'a million paths stay below 400 MB, fewer below their share of it'
sizedTest(memory, { paths: [200_000, 0, 1_000_000] }, async ({ count }) => {
  // Files seen through 200 links on the first level: a million paths for the scan, 5,000 for the disk.
  const root = folderOf()
  const target = join(root, '.files')
  mkdirSync(target)
  const files = count / 200
  for (let i = 0; i < files; i++) writeFileSync(join(target, `image_${String(i).padStart(8, '0')}.jpg`), '')
  const links = join(root, 'links')
  mkdirSync(links)
  for (let i = 0; i < 200; i++)
    symlinkSync(target, join(links, `a_folder_of_images_${String(i).padStart(5, '0')}`))

  const entry = resolve(import.meta.dirname, '../src/scan-images.ts')
  await build({ entry: [entry], outDir: join(root, 'lib'), format: 'cjs', config: false, silent: true })
  const script = `
    require('./lib/scan-images.cjs').scanImages({ root: './links' }).then(({ length, at }) =>
      console.log(length, at(${count - 1}), ${peakMegabytes}))`
  const printed = execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' })
  const [length, last, megabytes] = printed.split(' ')
  expect(Number(length)).toBe(count)
  expect(last).toBe(`a_folder_of_images_00199/image_${String(files - 1).padStart(8, '0')}.jpg`)
  // A process that does nothing takes 50.
  expect(Number(megabytes)).toBeLessThan(50 + (350 * count) / 1_000_000)
})
