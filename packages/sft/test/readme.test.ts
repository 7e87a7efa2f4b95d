/** The examples of the README as they are written, with the tiny checkpoint under the name of a published one. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const before = process.cwd()
let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-sft-'))
  const model = join(home, 'Qwen/Qwen2.5-VL-3B-Instruct')
  mkdirSync(model, { recursive: true })
  for (const { name, ...entry } of readdirSync(tiny, { withFileTypes: true }).map((each) => ({
    name: each.name,
    isFile: each.isFile(),
  })))
    if (entry.isFile && !name.startsWith('reference')) copyFileSync(join(tiny, name), join(model, name))
  await sharp({ create: { width: 56, height: 56, channels: 3, background: '#383' } })
    .png()
    .toFile(join(home, 'chart.png'))
  writeFileSync(join(home, 'lessons.jsonl'), '{"image": "chart.png", "question": "How many?", "answer": 4}\n')
  process.chdir(home)
})
afterAll(() => {
  process.chdir(before)
  rmSync(home, { recursive: true })
})

test('the run prints what it says, and leaves an adapter', async () => {
  const { printed, promised } = await runReadmeExample(root)
  expect(printed).toEqual(promised)
  expect(readdirSync(join(home, 'taught'))).toContain('adapter_model.safetensors')
})

test('the loop prints a line for each step', async () => {
  const { printed, promised } = await runReadmeExample(root, 1)
  expect(printed).toHaveLength(3)
  expect(printed.slice(-1)).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(root)).toEqual([])
})
