import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Download } from '../src/data/find-files'
import { openData, type Data } from '../src/data/open-data'
import { rowImage } from '../src/data/row-image'
import { temporaryFolder } from './support/temporary-folder'

const fixtures = fileURLToPath(new URL('fixtures/parquet', import.meta.url))
const ids = (JSON.parse(readFileSync(join(fixtures, 'rows.json'), 'utf8')) as { id: string }[]).map(
  ({ id }) => id,
)
const task = {
  source: { dataset: 'org/set', config: 'default', split: 'test', files: 'data/test-*.parquet' },
  columns: ['id'],
}
const nowhere = { HF_HOME: '/nowhere' }

function put(folder: string, path: string, fixture = 'snappy'): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  copyFileSync(join(fixtures, `${fixture}.parquet`), join(folder, path))
}

async function idsOf(data: Data, start = 0, end = data.length): Promise<unknown[]> {
  const found = []
  for await (const row of data.read(start, end)) found.push(row.id)
  await data.close()
  return found
}

test('the shards of a split are one sequence of rows, whichever rows are asked for', async () => {
  const folder = temporaryFolder()
  put(folder, 'data/test-00000-of-00002.parquet')
  put(folder, 'data/test-00001-of-00002.parquet', 'zstd')
  put(folder, 'data/train-00000-of-00001.parquet')
  const data = await openData(task, { folder })
  expect(data.length).toBe(14)
  expect(await idsOf(data, 5, 9)).toEqual([ids[5], ids[6], ids[0], ids[1]])
  expect(await idsOf(await openData(task, { folder }))).toEqual([...ids, ...ids])
})

test('one folder may hold copies of several data sets', async () => {
  const folder = temporaryFolder()
  put(folder, 'org/set/data/test-00000-of-00001.parquet')
  put(folder, 'set/test-00000-of-00002.parquet')
  put(folder, 'data/test-00000-of-00002.parquet')
  expect(await idsOf(await openData(task, { folder }))).toEqual(ids)
  const other = { ...task, source: { ...task.source, dataset: 'else/set' } }
  await expect(openData(other, { folder })).rejects.toMatchObject({
    code: 'DATA_INCOMPLETE',
    details: { folder: join(folder, 'set') },
  })
})

test('files may lie directly in the folder', async () => {
  const folder = temporaryFolder()
  put(folder, 'test-00000-of-00001-0123456789abcdef.parquet')
  expect(await idsOf(await openData(task, { folder }))).toEqual(ids)
})

test('a split with a missing shard is refused', async () => {
  const folder = temporaryFolder()
  put(folder, 'data/test-00000-of-00003.parquet')
  put(folder, 'data/test-00002-of-00003.parquet')
  await expect(openData(task, { folder })).rejects.toMatchObject({
    code: 'DATA_INCOMPLETE',
    details: { expected: 3, found: 2 },
  })
})

test('the revision of local files changes with them', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'questions.jsonl')
  const revision = async (text: string) => {
    writeFileSync(path, text)
    const data = await openData({ source: { file: path } })
    return data.revision
  }
  const first = await revision('{"id": 1}\n')
  expect(first).toMatch(/^files-[0-9a-f]{16}$/)
  expect(await revision('{"id": 2}\n')).not.toBe(first)
  expect(await revision('{"id": 1}\n')).toBe(first)
})

test('the shared cache is read at the named revision', async () => {
  const home = temporaryFolder()
  const commit = 'c0ffee'.padEnd(40, '0')
  const repository = join(home, 'hub', 'datasets--org--set')
  put(repository, 'blobs/content')
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs', 'main'), commit)
  mkdirSync(join(repository, 'snapshots', commit, 'data'), { recursive: true })
  symlinkSync(
    '../../../blobs/content',
    join(repository, 'snapshots', commit, 'data', 'test-00000-of-00001.parquet'),
  )
  for (const [environment, revision] of [
    [{ HF_HOME: home }, undefined],
    [{ HF_HUB_CACHE: join(home, 'hub') }, 'main'],
    [{ HUGGINGFACE_HUB_CACHE: join(home, 'hub') }, commit],
  ] as const) {
    const data = await openData(task, { environment, revision })
    expect(data.revision).toBe(commit)
    expect(await idsOf(data)).toEqual(ids)
  }
  for (const options of [{ environment: nowhere }, { environment: { HF_HOME: home }, revision: 'v2' }])
    await expect(openData(task, options)).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' })
})

test('a data set that no cache has is not found', async () => {
  // Whatever cache the environment of this process names.
  const absent = { ...task, source: { ...task.source, dataset: 'evolmm/no-such-data-set' } }
  await expect(openData(absent)).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' })
  const home = temporaryFolder()
  const commit = '1'.repeat(40)
  const snapshots = join(home, 'hub', 'datasets--org--set', 'snapshots')
  mkdirSync(snapshots, { recursive: true })
  writeFileSync(join(snapshots, commit), 'a file')
  const where = { environment: { HF_HOME: home }, revision: commit }
  await expect(openData(task, where)).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' })
})

test('a file may have a name without a number, and a folder a name that no disk takes', async () => {
  const folder = temporaryFolder()
  put(folder, 'one.parquet')
  const single = { ...task, source: { ...task.source, files: 'one.parquet' } }
  expect(await idsOf(await openData(single, { folder }))).toEqual(ids)
  const long = 'x'.repeat(5000)
  await expect(openData(single, { folder: long })).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
})

test('the revision of a large file changes with its end', async () => {
  const file = join(temporaryFolder(), 'a.jsonl')
  const revision = async (last: string) => {
    writeFileSync(file, `{"text": "${' '.repeat(3_000_000)}${last}"}\n`)
    const data = await openData({ source: { file } })
    await data.close()
    return data.revision
  }
  expect(await revision('a')).not.toBe(await revision('b'))
  await expect(openData({ source: { file: `${file}.parquet` } })).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
  })
  writeFileSync(file, `{"text": ${'x'.repeat(100)}`)
  await expect(openData({ source: { file } })).rejects.toThrow(
    `:1: must be one JSON object, got "{\\"text\\": ${'x'.repeat(51)}…"`,
  )
})

test('an injected download is asked for the files of the split alone', async () => {
  const folder = temporaryFolder()
  put(folder, 'data/test-00000-of-00001.parquet')
  const asked: Parameters<Download>[] = []
  const download: Download = (...call) => {
    asked.push(call)
    return Promise.resolve({ folder, commit: 'abc' })
  }
  const data = await openData(task, { download, revision: 'v1', environment: nowhere })
  expect(data.revision).toBe('abc')
  expect(await idsOf(data)).toEqual(ids)
  expect(asked).toMatchObject([
    ['org/set', { repoType: 'dataset', revision: 'v1', allow: ['data/test-*.parquet'] }],
  ])
})

test('a folder without the files is an error that says what is there', async () => {
  const folder = temporaryFolder()
  put(folder, 'other.parquet')
  const opened = openData(task, { folder })
  await expect(opened).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' })
  await expect(opened).rejects.toThrow(/got other\.parquet/)
  await expect(openData(task, { folder: join(folder, 'none') })).rejects.toThrow(/got nothing/)
})

test('JSON lines may have blank lines, a byte-order mark and no last newline', async () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  writeFileSync(path, '\uFEFF{"id": "a"}\r\n\n  \n{"id": "b\\n"}\n{"id": null}')
  expect(await idsOf(await openData({ source: { file: path } }), 0, 3)).toEqual(['a', 'b\n', null])
})

test.each(['{"id": 1', '[1]', '"text"', 'null', '7'])(
  'the line %s is refused with its number',
  async (line) => {
    const path = join(temporaryFolder(), 'a.jsonl')
    writeFileSync(path, `{"id": 1}\n${line}\n`)
    await expect(openData({ source: { file: path } })).rejects.toMatchObject({
      code: 'INVALID_LINE',
      details: { path, line: 2 },
    })
  },
)

test('other kinds of files are refused', async () => {
  const path = join(temporaryFolder(), 'a.csv')
  writeFileSync(path, 'id\n1\n')
  await expect(openData({ source: { file: path } })).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' })
})

test('an image is the bytes of its cell, or else the path in it', () => {
  const bytes = Uint8Array.of(1, 2)
  expect(rowImage({ image: { bytes, path: 'a.png' } }, 'image')).toBe(bytes)
  expect(rowImage({ image: { bytes: null, path: 'a.png' } }, 'image')).toBe('a.png')
  expect(rowImage({ image: bytes }, 'image')).toBe(bytes)
  for (const cell of [null, undefined, 'text', { bytes: null, path: '' }])
    expect(() => rowImage({ image: cell }, 'image')).toThrow(/image: must hold an image/)
})
