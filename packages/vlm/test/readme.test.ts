/** The examples of the README as they are written, in a folder where the tiny checkpoint has the name of a published one. */
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkpointFiles, tinyFolder } from './support/safetensors'

const root = fileURLToPath(new URL('..', import.meta.url))
const before = process.cwd()
let folder: string
const model = 'Qwen/Qwen2.5-VL-3B-Instruct'
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-vlm-'))
  await mkdir(join(folder, model), { recursive: true })
  for (const name of await checkpointFiles())
    await copyFile(join(tinyFolder, name), join(folder, model, name))
  await copyFile(join(tinyFolder, 'images/img0.png'), join(folder, 'chart.png'))
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

test('the example prints what it says and saves the adapter', async () => {
  const { printed, promised } = await runReadmeExample(root)
  expect(promised).toHaveLength(2)
  expect(printed).toEqual(promised)
  expect(await readdir(join(folder, 'solver'))).toContain('adapter_model.safetensors')
})

test('that adapter is loaded, merged over what was there and exported, with weights that are hard links', async () => {
  for (let i = 0; i < 2; i++) {
    const { printed, promised } = await runReadmeExample(root, 1)
    expect(promised).toHaveLength(2)
    expect(printed).toEqual(promised)
    expect(await readdir(join(folder, 'merged'))).toContain('config.json')
    const files = await readdir(join(folder, 'programs'))
    expect(files).toContain('gradient.onnx')
    const [weights] = files.filter((name) => name.endsWith('.safetensors'))
    expect((await stat(join(folder, 'programs', weights))).nlink).toBeGreaterThan(1)
    if (i === 0) await rm(join(folder, 'programs'), { recursive: true })
  }
})

test('arrays show what the README says', async () => {
  const { printed, promised } = await runReadmeExample(root, 2)
  expect(promised).toHaveLength(4)
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(root)).toEqual([])
})
