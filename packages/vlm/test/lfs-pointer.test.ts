/** What git-LFS leaves in the place of a file of a checkpoint, or of an image, is called by its name. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parsePeftConfig } from '../src/adapter/peft-config'
import { readBackbone } from '../src/backbones/open-backbone'
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

test('so are the configurations of a model and of an adapter', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-lfs-'))
  writeFileSync(join(folder, 'config.json'), text)
  await expect(readBackbone(folder)).rejects.toThrow(named)
  expect(() => parsePeftConfig(text, 'adapter_config.json')).toThrow(named)
})
