import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isolated, serveHub, temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { openRows, rowImage, type DataRows } from '../src'

const fixtures = fileURLToPath(new URL('fixtures/parquet', import.meta.url))
const ids = (JSON.parse(readFileSync(join(fixtures, 'rows.json'), 'utf8')) as { id: string }[]).map(
  ({ id }) => id,
)
const set = { dataset: 'org/set', files: 'data/test-*.parquet' }

function put(folder: string, path: string, fixture = 'snappy'): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  copyFileSync(join(fixtures, `${fixture}.parquet`), join(folder, path))
}

async function idsOf(data: DataRows, start = 0, end = data.length): Promise<unknown[]> {
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
  const data = await openRows(set, { folder })
  expect(data.length).toBe(14)
  expect(await idsOf(data, 5, 9)).toEqual([ids[5], ids[6], ids[0], ids[1]])
  expect(await idsOf(await openRows(set, { folder }))).toEqual([...ids, ...ids])
})

test('a data set of the hub is read at its revision', async () => {
  const name = 'data/test-00000-of-00001.parquet'
  const commit = 'c'.repeat(40)
  const files = { [name]: readFileSync(join(fixtures, 'snappy.parquet')) }
  const hub = await serveHub({ id: 'org/set', commit, type: 'datasets', branches: ['v1'], files })
  const data = await openRows(set, isolated({ endpoint: hub.endpoint, revision: 'v1', columns: ['id'] }))
  expect(data.revision).toBe(commit)
  expect(data.placeOf(3)).toMatch(new RegExp(`${name}, row 3$`))
  expect(await idsOf(data)).toEqual(ids)
})

test('a file is known by a digest, and one that is not there is an error', async () => {
  const file = join(fixtures, 'gzip.parquet')
  const data = await openRows({ file })
  expect(data.revision).toMatch(/^files-[0-9a-f]{16}$/)
  expect(await idsOf(data)).toEqual(ids)
  await expect(openRows({ file: `${file}.parquet` })).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})

test('JSON lines may have blank lines, a byte-order mark and no last newline', async () => {
  const path = join(temporaryFolder(), 'a.jsonl')
  writeFileSync(path, '\uFEFF{"id": "a"}\r\n\n  \n{"id": "b\\n"}\n{"id": null}')
  expect(await idsOf(await openRows({ file: path }), 0, 3)).toEqual(['a', 'b\n', null])
})

test.each(['{"id": 1', '[1]', '"text"', 'null', '7', `{"text": ${'x'.repeat(100)}`])(
  'the line %s is refused with its number',
  async (line) => {
    const path = join(temporaryFolder(), 'a.jsonl')
    writeFileSync(path, `{"id": 1}\n${line}\n`)
    const opened = openRows({ file: path })
    await expect(opened).rejects.toMatchObject({ code: 'INVALID_LINE', details: { path, line: 2 } })
    const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line)
    await expect(opened).rejects.toThrow(`:2: must be one JSON object, got ${shown}`)
  },
)

test('other kinds of files are refused', async () => {
  const path = join(temporaryFolder(), 'a.csv')
  writeFileSync(path, 'id\n1\n')
  await expect(openRows({ file: path })).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' })
})

test('an image is the bytes of its cell, or else the path in it', () => {
  const bytes = Uint8Array.of(1, 2)
  expect(rowImage({ image: { bytes, path: 'a.png' } }, 'image')).toBe(bytes)
  expect(rowImage({ image: { bytes: null, path: 'a.png' } }, 'image')).toBe('a.png')
  expect(rowImage({ image: bytes }, 'image')).toBe(bytes)
  for (const cell of [null, undefined, 'text', { bytes: null, path: '' }])
    expect(() => rowImage({ image: cell }, 'image')).toThrow(/image: must hold an image/)
})
