import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { readLines } from '@evolmm/internal/node'
import { expect, test } from 'vitest'

async function linesOf(file: string) {
  const lines = []
  for await (const { bytes, number, end, isWhole } of readLines(file))
    lines.push([bytes.toString('utf8'), number, end, isWhole])
  return lines
}

test('lines end in a line feed alone, the last one perhaps in none', async () => {
  const file = join(temporaryFolder(), 'lines.jsonl')
  writeFileSync(file, '')
  expect(await linesOf(file)).toEqual([])
  writeFileSync(file, 'größer\n\na\u2028b\r\nend')
  expect(await linesOf(file)).toEqual([
    ['größer', 1, 9, true],
    ['', 2, 10, true],
    ['a\u2028b\r', 3, 17, true],
    ['end', 4, 20, false],
  ])
  // Many more bytes than are read at a time.
  const long = 'x'.repeat(300_000)
  writeFileSync(file, `${long}\n`.repeat(3))
  expect(await linesOf(file)).toEqual([1, 2, 3].map((n) => [long, n, n * 300_001, true]))
})

test('a line without end is refused, and no more of it is read', async () => {
  const file = join(temporaryFolder(), 'lines.jsonl')
  writeFileSync(file, 'one\n')
  truncateSync(file, 4 + 2 ** 26)
  appendFileSync(file, '\n')
  expect((await linesOf(file)).map(([text]) => (text as string).length)).toEqual([3, 2 ** 26])
  // Of a sparse file nothing is on the disk.
  truncateSync(file, 4)
  truncateSync(file, 2 ** 36)
  const refused = (file: string, line: number) => ({
    code: 'UNREADABLE_FILE',
    message: `${file}: must have lines of at most 64 MiB, got more in line ${line}; restore the file`,
  })
  await expect(linesOf(file)).rejects.toMatchObject(refused(file, 2))
  if (process.platform === 'linux')
    await expect(linesOf('/dev/zero')).rejects.toMatchObject(refused('/dev/zero', 1))
})

test('what the system says goes on to the caller', async () => {
  const folder = temporaryFolder()
  await expect(linesOf(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(linesOf(folder)).rejects.toMatchObject({ code: 'EISDIR' })
})
