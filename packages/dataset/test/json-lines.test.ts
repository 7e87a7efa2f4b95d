import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizedTest, temporaryFolder } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openJsonLines } from '../src/rows/json-lines'
import type { DataRow, RowReader } from '../src/rows/row-reader'

function written(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'a.jsonl')
  writeFileSync(path, content)
  return path
}

async function rowsOf(reader: RowReader, start = 0, end = reader.length): Promise<DataRow[]> {
  const rows: DataRow[] = []
  for await (const row of reader.read(start, end)) rows.push(row)
  return rows
}

sizedTest(
  'every range of rows is read as it was written, each at the place of its line',
  { files: [30, 100, 2000] },
  async ({ count, seed }) => {
    const path = join(temporaryFolder(), 'a.jsonl')
    const line = fc.oneof(
      fc.constantFrom('', ' ', '\t\r'),
      fc.record({ text: fc.string({ unit: 'binary' }), n: fc.integer() }).map((row) => JSON.stringify(row)),
      // Longer than what is read at once.
      fc.constant(JSON.stringify({ text: '🚗'.repeat(100_000) })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.boolean(), async (lines, ended) => {
        writeFileSync(path, lines.join('\n') + (ended ? '\n' : ''))
        const filled = lines.flatMap((text, i) => (text.trim() === '' ? [] : [{ text, number: i + 1 }]))
        const rows = filled.map(({ text }) => JSON.parse(text) as DataRow)
        const reader = await openJsonLines(path)
        expect(reader.length).toBe(rows.length)
        for (let start = 0; start <= rows.length; start++)
          expect(await rowsOf(reader, start, rows.length - (start % 2))).toEqual(
            rows.slice(start, rows.length - (start % 2)),
          )
        expect(filled.map((_, i) => reader.placeOf(i))).toEqual(
          filled.map(({ number }) => `${path}:${number}`),
        )
        await reader.close()
      }),
      { seed, numRuns: count },
    )
  },
)

test('the rows of one reader may be read in several places at once', async () => {
  const reader = await openJsonLines(written('{"i":0}\n{"i":1}\n{"i":2}\n'))
  const [first, second] = [reader.read(0, 3), reader.read(1, 3)]
  const next = async (rows: typeof first) => (await rows.next()).value
  expect([await next(first), await next(second), await next(first), await next(second)]).toEqual(
    [0, 1, 1, 2].map((i) => ({ i })),
  )
  await reader.close()
})

test.each([
  ['bytes that are not UTF-8', Buffer.from('{"a": "é"}', 'latin1'), /:2: must be in UTF-8/],
  ['a byte-order mark in the middle', '\uFEFF{}', /:2: must be one JSON object/],
  ['a line without an end in sight', `{"a": "${'x'.repeat(2 ** 24)}"}`, /:2: must be at most 16 MiB long/],
])('%s are refused with the number of the line', async (_, line, message) => {
  const path = written(Buffer.concat([Buffer.from('{"a": 1}\n'), Buffer.from(line), Buffer.from('\n{}\n')]))
  const opened = openJsonLines(path)
  await expect(opened).rejects.toMatchObject({ code: 'INVALID_LINE', details: { path, line: 2 } })
  await expect(opened).rejects.toThrow(message)
})

test('a file that is cut while it is read is an error, not fewer rows', async () => {
  const path = written('{"i":0}\n{"i":1}\n')
  const reader = await openJsonLines(path)
  writeFileSync(path, '{"i":0}\n')
  await expect(rowsOf(reader)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
  appendFileSync(path, '{"i"\n')
  await expect(rowsOf(reader)).rejects.toMatchObject({ code: 'INVALID_LINE' })
  await reader.close()
})

test('a missing file and a folder are typed errors', async () => {
  const folder = temporaryFolder()
  for (const path of [join(folder, 'none.jsonl'), folder])
    await expect(openJsonLines(path)).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})
