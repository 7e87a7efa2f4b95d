/** The examples of the README as they are written, with the tiny checkpoint under the name of a published one. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readLog } from '@evolmm/runs'
import { evolmm } from '../src/index'
import { makeImages, tinyFolder } from './support/tiny-run'

const root = fileURLToPath(new URL('..', import.meta.url))
const before = process.cwd()
const model = 'Qwen/Qwen2.5-VL-3B-Instruct'
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-trainer-'))
  await mkdir(join(folder, model), { recursive: true })
  for (const name of await readdir(tinyFolder, { withFileTypes: true }))
    if (name.isFile() && !name.name.startsWith('reference'))
      await copyFile(join(tinyFolder, name.name), join(folder, model, name.name))
  const images = await makeImages(3)
  await mkdir(join(folder, 'images/train'), { recursive: true })
  for (const name of await readdir(images.folder))
    await copyFile(join(images.folder, name), join(folder, 'images/train', name))
  await images.remove()
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

test('the loop prints a line for each image and saves the adapter', async () => {
  const { printed, promised } = await runReadmeExample(root)
  expect(printed).toHaveLength(4)
  expect(printed.slice(-1)).toEqual(promised)
  expect(await readdir(join(folder, 'solver'))).toContain('adapter_model.safetensors')
})

test('the run on disk prints what it says, and again when it is called again', async () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  for (let i = 0; i < 2; i++) {
    const { printed, promised } = await runReadmeExample(root, 1)
    expect(printed).toEqual(promised)
  }
  const files = await readdir(join(folder, 'runs/charts'))
  expect(files).toEqual(expect.arrayContaining(['iter_log.jsonl', 'run.json', 'step_00002', 'step_00004']))
})

test('the run with a reward of its own leaves an adapter that loads', async () => {
  const { printed, promised } = await runReadmeExample(root, 2)
  expect(printed).toEqual(promised)
  const records = []
  for await (const record of readLog(join(folder, 'runs/brief'), evolmm)) records.push(record)
  const answers = records.flatMap(({ images }) => images).flatMap((image) => image.answers)
  expect(answers.length).toBeGreaterThan(0)
  for (const { text, reward } of answers) expect(reward).toBe(1 / (1 + text.length))
})

test('the table of differences goes through the 23 known faults of the released code', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const named = [...readme.matchAll(/^\| (B\d+(?:, B\d+)*) /gm)].flatMap(([, list]) => list.split(', '))
  expect(named).toHaveLength(23)
  expect(new Set(named)).toEqual(new Set(Array.from({ length: 23 }, (_, i) => `B${i + 1}`)))
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(root)).toEqual([])
})
