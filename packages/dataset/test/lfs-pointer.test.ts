/** What git-LFS leaves in the place of rows or of an image is called by its name. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkImage } from '../src/check-image'
import { openJsonLines } from '../src/rows/json-lines'
import { openParquet } from '../src/rows/parquet-rows'

test('files of rows and an image that are pointers of git-LFS are called so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-lfs-'))
  const [rows, lines, image] = ['rows.parquet', 'rows.jsonl', 'a.png'].map((name) => join(folder, name))
  const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123\n`
  for (const file of [rows, lines, image]) writeFileSync(file, text)
  await expect(openParquet(rows)).rejects.toThrow('a pointer of git-LFS; run "git lfs pull"')
  await expect(openJsonLines(lines)).rejects.toThrow('a pointer of git-LFS; run "git lfs pull"')
  expect(JSON.stringify(await checkImage(image))).toContain('a pointer of git-LFS')
})
