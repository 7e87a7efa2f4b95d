/** What git-LFS leaves in the place of a file of a checkpoint, or of an image, is called by its name. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOptionalJson } from '../src/checkpoint/read-checkpoint-file'
import { decodeImage } from '../src/image/decode-image'

const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123\n`
const named = 'got a pointer of git-LFS; run "git lfs pull"'

test('a tokenizer.json and an image that are pointers of git-LFS are called so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-lfs-'))
  writeFileSync(join(folder, 'tokenizer.json'), text)
  await expect(readOptionalJson(folder, 'tokenizer.json')).rejects.toThrow(named)
  await expect(decodeImage(new TextEncoder().encode(text))).rejects.toThrow(named)
})
