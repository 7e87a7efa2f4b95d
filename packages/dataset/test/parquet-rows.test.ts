import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetMetadata } from 'hyparquet'
import { fileWriter, parquetWriteBuffer, parquetWriteRows } from 'hyparquet-writer'
import { bundleScript, temporaryFolder } from '@evolmm/internal/testing'
import { expect, onTestFinished, test } from 'vitest'
import { EvolmmError } from '../src'
import { openParquet } from '../src/rows/parquet-rows'
import type { DataRow, RowReader } from '../src/rows/row-reader'

const fixtures = fileURLToPath(new URL('fixtures/parquet', import.meta.url))

/** What pyarrow read back from the file that it wrote. */
const expected = JSON.parse(readFileSync(join(fixtures, 'rows.json'), 'utf8'), (_, value: unknown) =>
  typeof value === 'object' && value !== null && 'base64' in value
    ? new Uint8Array(Buffer.from(String(value.base64), 'base64'))
    : value,
) as DataRow[]

async function rowsOf(reader: RowReader, start = 0, end = reader.length): Promise<DataRow[]> {
  const rows = []
  for await (const row of reader.read(start, end)) rows.push(row)
  return rows
}

test.each(['snappy', 'zstd', 'gzip'])(
  'every range of rows of a file written by pyarrow is as pyarrow reads it (%s)',
  async (name) => {
    for (const windowBytes of [undefined, 1]) {
      const reader = await openParquet(join(fixtures, `${name}.parquet`), { windowBytes })
      expect(reader.length).toBe(expected.length)
      for (let start = 0; start <= expected.length; start++)
        for (let end = start; end <= expected.length; end++)
          expect(await rowsOf(reader, start, end)).toEqual(expected.slice(start, end))
      await reader.close()
    }
  },
)

test('only the chosen columns are read', async () => {
  const columns = ['id', 'image']
  const reader = await openParquet(join(fixtures, 'snappy.parquet'), { columns })
  expect(await rowsOf(reader)).toEqual(expected.map(({ id, image }) => ({ id, image })))
  await reader.close()
})

/** A copy of the file with zeros in all column chunks but the wanted ones. */
function withHoles(folder: string, wanted: (group: number, column: string) => boolean): string {
  const path = join(folder, 'holes.parquet')
  const bytes = readFileSync(join(fixtures, 'snappy.parquet'))
  const { row_groups } = parquetMetadata(new Uint8Array(bytes).buffer)
  for (const [g, { columns }] of row_groups.entries())
    for (const { meta_data } of columns) {
      if (!meta_data || wanted(g, meta_data.path_in_schema[0] ?? '')) continue
      const start = Number(meta_data.dictionary_page_offset ?? meta_data.data_page_offset)
      bytes.fill(0, start, start + Number(meta_data.total_compressed_size))
    }
  writeFileSync(path, bytes)
  return path
}

test('integers that a double cannot hold become digits, times ISO texts', async () => {
  const path = join(temporaryFolder(), 'plain.parquet')
  const time = new Date(Date.UTC(2026, 1, 3, 4, 5, 6, 789))
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: [2n ** 53n - 1n, 2n ** 53n, -(2n ** 63n)].map((id) => ({ id, time })),
    columns: [
      { name: 'id', type: 'INT64' },
      { name: 'time', type: 'TIMESTAMP' },
    ],
  })
  const reader = await openParquet(path)
  expect(await rowsOf(reader)).toEqual(
    [2 ** 53 - 1, '9007199254740992', '-9223372036854775808'].map((id) => ({
      id,
      time: '2026-02-03T04:05:06.789Z',
    })),
  )
  await reader.close()
})

test('rows of one group are read without looking at any other', async () => {
  const reader = await openParquet(withHoles(temporaryFolder(), (group) => group === 1))
  expect(await rowsOf(reader, 3, 6)).toEqual(expected.slice(3, 6))
  await expect(rowsOf(reader, 0, 1)).rejects.toThrow(EvolmmError)
  await expect(rowsOf(reader, 6, 7)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
  await reader.close()
})

test('columns that were not chosen are not looked at', async () => {
  const path = withHoles(temporaryFolder(), (_, column) => column === 'question')
  const reader = await openParquet(path, { columns: ['question'] })
  expect(await rowsOf(reader)).toEqual(expected.map(({ question }) => ({ question })))
  await reader.close()
})

test('a column that is not there is an error that names it and those that are', async () => {
  const opened = openParquet(join(fixtures, 'snappy.parquet'), { columns: ['id', 'picture'] })
  await expect(opened).rejects.toMatchObject({ code: 'COLUMN_MISSING' })
  await expect(opened).rejects.toThrow(/picture, got id, question/)
})

test('a file cut anywhere, or with any byte changed, gives rows or one typed error', async () => {
  const folder = temporaryFolder()
  const whole = readFileSync(join(fixtures, 'snappy.parquet'))
  const path = join(folder, 'bad.parquet')
  const attempt = async (bytes: Uint8Array) => {
    writeFileSync(path, bytes)
    try {
      const reader = await openParquet(path)
      await rowsOf(reader, 0, Math.min(reader.length, 100)).finally(reader.close)
      return 'rows'
    } catch (error) {
      expect(error).toBeInstanceOf(EvolmmError)
      return (error as EvolmmError).code
    }
  }
  for (let length = 0; length < whole.length; length += 97)
    expect(await attempt(whole.subarray(0, length))).toBe('DATA_UNREADABLE')
  for (let at = 0; at < whole.length; at += 61) {
    const changed = Uint8Array.from(whole)
    changed[at] = 255 - (changed[at] ?? 0)
    expect(['rows', 'DATA_UNREADABLE']).toContain(await attempt(changed))
  }
})

test('a missing file and a folder are typed errors', async () => {
  const folder = temporaryFolder()
  await expect(openParquet(join(folder, 'none.parquet'))).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
  await expect(openParquet(folder)).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})

const megabyte = 2 ** 20

/** Rows with an image of 250 kB each; no two images are alike. */
function* largeRows(count: number) {
  const image = new Uint8Array(250_000).map((_, i) => (i * 2_654_435_761) >>> 24)
  for (let i = 0; i < count; i++) {
    const own = image.slice()
    own.fill(i % 251, 0, 8)
    yield { id: i, image: own }
  }
}

test.each([
  ['in many row groups', 32],
  ['in one row group with an offset index', 1280],
])('a file of 320 MB %s takes less than 160 MB to read', async (_, rowGroupSize) => {
  const folder = temporaryFolder()
  const path = join(folder, 'large.parquet')
  const rows = 1280
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: largeRows(rows),
    columns: [
      { name: 'id', type: 'INT32' },
      { name: 'image', type: 'BYTE_ARRAY', encoding: 'PLAIN' },
    ],
    codec: 'UNCOMPRESSED',
    rowGroupSize,
  })
  expect(statSync(path).size).toBeGreaterThan(rows * 250_000)
  const { file: script, remove } = await bundleScript(new URL('support/read-all.ts', import.meta.url))
  onTestFinished(remove)
  const read = JSON.parse(execFileSync(process.execPath, [script, path], { encoding: 'utf8' })) as {
    rows: number
    sum: number
    bytes: number
    growth: number
  }
  const sum = Array.from({ length: rows }, (__, i) => i % 251).reduce((a, b) => a + b)
  expect(read).toMatchObject({ rows, sum, bytes: rows * 250_000 })
  expect(read.growth).toBeLessThan(160 * megabyte)
})

/** A copy of the file whose footer says that it has so many rows. */
function withRows(rows: number): string {
  const bytes = readFileSync(join(fixtures, 'snappy.parquet'))
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  // The third field of the footer, an i64: its header, and twice the number; then the list of row groups.
  const at = bytes.indexOf(Buffer.from([0x16, 2 * expected.length, 0x19]), footer)
  if (at === -1) throw new Error('the footer has other bytes')
  bytes[at + 1] = 2 * rows
  const path = join(temporaryFolder(), 'footer.parquet')
  writeFileSync(path, bytes)
  return path
}

test.each([0, 1, expected.length - 1, expected.length + 1, 63])(
  'a footer of %i rows is refused where the row groups have others',
  async (rows) => {
    await expect(openParquet(withRows(rows))).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining(
        `a footer of ${rows} rows with row groups of ${expected.length}`,
      ) as string,
    })
  },
)

test('columns that lie beyond the end of the file are refused before anything is read', async () => {
  const bytes = readFileSync(join(fixtures, 'snappy.parquet'))
  const path = join(temporaryFolder(), 'short.parquet')
  const length = 8 + bytes.readUInt32LE(bytes.length - 8)
  // The footer alone, behind the first bytes of the data.
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 40), bytes.subarray(-length)]))
  await expect(openParquet(path)).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(/column \S+ at bytes \d+ to \d+ of \d+/) as string,
  })
})

/** A file of integers as differences, whose blocks have as many parts as said: -1 lets a reader go back for ever. */
function endlessFile(): string {
  const bytes = new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        {
          name: 'id',
          type: 'INT32',
          data: Int32Array.from({ length: 200 }, (_, i) => 3 * i),
          encoding: 'DELTA_BINARY_PACKED',
          nullable: false,
        },
      ],
      codec: 'UNCOMPRESSED',
    }),
  )
  // Blocks of 128 numbers in 4 parts, 200 numbers.
  const at = Buffer.from(bytes.buffer).indexOf(Buffer.from('800104c801', 'hex'))
  if (at === -1) throw new Error('the page has other bytes')
  bytes.set(Buffer.from('ffffffff0f00000000', 'hex'), at + 2)
  const path = join(temporaryFolder(), 'endless.parquet')
  writeFileSync(path, bytes)
  return path
}

test('a file that the library never finishes ends with an error, and others are read after it', async () => {
  const endless = await openParquet(endlessFile(), { readTimeout: 500 })
  const open = await openParquet(join(fixtures, 'zstd.parquet'))
  const late = rowsOf(endless)
  const next = rowsOf(open)
  await expect(late).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('takes longer than 0.5 s to read') as string,
  })
  expect(await next).toEqual(expected)
  await endless.close()
  await open.close()
})

test('a time for reading that is none is refused', async () => {
  for (const readTimeout of [0, -1, 0.5, NaN, 2 ** 31])
    await expect(openParquet(join(fixtures, 'zstd.parquet'), { readTimeout })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
})
