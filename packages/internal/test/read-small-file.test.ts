import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { readIfThere, readSmallFile, readSmallText, readSmallTextSync } from '@evolmm/internal/node'
import { expect, test } from 'vitest'

test('a small file is read whole, one without end or of many gigabytes is refused', async () => {
  const file = join(temporaryFolder(), 'config.json')
  writeFileSync(file, '{"text": "größer"}')
  expect(await readSmallText(file)).toBe('{"text": "größer"}')
  writeFileSync(file, '')
  expect(await readSmallText(file)).toBe('')
  expect(readSmallTextSync(file)).toBe('')
  writeFileSync(file, 'größer'.repeat(20_000))
  expect(readSmallTextSync(file)).toBe('größer'.repeat(20_000))
  writeFileSync(file, '')
  truncateSync(file, 2 ** 26)
  expect((await readSmallFile(file)).length).toBe(2 ** 26)
  expect(readSmallTextSync(file).length).toBe(2 ** 26)
  // Of a sparse file nothing is on the disk.
  for (const bytes of [2 ** 26 + 1, 2 ** 36]) {
    truncateSync(file, bytes)
    const refused = {
      code: 'UNREADABLE_FILE',
      message: expect.stringContaining(`${file}: must have at most 64 MiB, got more`) as string,
    }
    await expect(readSmallFile(file)).rejects.toMatchObject(refused)
    await expect(readIfThere(file)).rejects.toMatchObject(refused)
    expect(() => readSmallTextSync(file)).toThrow(expect.objectContaining(refused) as Error)
  }
  if (process.platform === 'linux')
    await expect(readSmallFile('/dev/zero')).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
})

test('what the system says goes on to the caller', async () => {
  const folder = temporaryFolder()
  await expect(readSmallFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(readSmallFile(folder)).rejects.toMatchObject({ code: 'EISDIR' })
  expect(() => readSmallTextSync(join(folder, 'none'))).toThrow('ENOENT')
})
