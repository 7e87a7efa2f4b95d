/** External data that is not where a model may have it: refused by its path, and by what lies there. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkExternalData, parse } from '@evolmm/onnx'
import { external, model, refusal } from './support/broken-model'

const broken: Record<string, [Uint8Array, RegExp]> = {
  'external data without a file': [model({ initializer: [external('')] }), /must be named/],
  'external data at an absolute path': [model({ initializer: [external('/etc/passwd')] }), /relative path/],
  'external data on a drive': [model({ initializer: [external('C:w.bin')] }), /relative path/],
  'external data above': [model({ initializer: [external('a/../../w.bin')] }), /above the folder/],
  'external data with backslashes': [model({ initializer: [external('a\\w.bin')] }), /forward slashes/],
  'external data with a negative offset': [
    model({ initializer: [external('w.bin', { offset: '-1' })] }),
    /whole number of bytes/,
  ],
  'external data with an absurd offset': [
    model({ initializer: [external('w.bin', { offset: '99999999999999999999' })] }),
    /whole number of bytes/,
  ],
  'external data of another length': [
    model({ initializer: [external('w.bin', { length: '9' })] }),
    /must be 8 bytes/,
  ],
}

test.each(Object.entries(broken))('%s', (_, [bytes, message]) => {
  const error = refusal(bytes)
  expect(error.code).toBe('INVALID_MODEL')
  expect(error.message).toMatch(message)
})

test('files of external data: there, long enough, within the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-hostile-'))
  const outside = mkdtempSync(join(tmpdir(), 'evolmm-outside-'))
  try {
    writeFileSync(join(outside, 'w.bin'), new Uint8Array(8))
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(8))
    symlinkSync(join(outside, 'w.bin'), join(folder, 'link.bin'))
    symlinkSync('w.bin', join(folder, 'inner.bin'))
    const check = (location: string, offset = 0) =>
      checkExternalData(
        parse(model({ initializer: [external(location, { offset: String(offset) })] })),
        folder,
      )
    await check('w.bin')
    await check('inner.bin')
    await expect(check('w.bin', 1)).rejects.toThrow(/must have 9 bytes or more, got 8/)
    await expect(check('link.bin')).rejects.toThrow(/must be within .*, got a link/)
    await expect(check('none.bin')).rejects.toThrow(/must be there/)
    await expect(check('.')).rejects.toThrow(/must be a file/)
  } finally {
    rmSync(folder, { recursive: true })
    rmSync(outside, { recursive: true })
  }
})
