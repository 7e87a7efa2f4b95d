/** What git-LFS leaves in the place of weights is called by its name. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSafetensors } from '../src'

test('a pointer of git-LFS is called by its name', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'evolmm-lfs-')), 'model.safetensors')
  writeFileSync(file, `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123\n`)
  await expect(openSafetensors({ files: [file] })).rejects.toThrow(
    'got a pointer of git-LFS; run "git lfs pull"',
  )
})
