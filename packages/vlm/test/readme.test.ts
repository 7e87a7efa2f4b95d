/** The example of the README as it is written, in a folder where the tiny checkpoint has the name of a published one. */
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { checkpointFiles, makeFolder, tinyFolder } from './support/safetensors'

test('the example prints what it says and saves the adapter', async () => {
  const folder = await makeFolder()
  const model = join(folder, 'Qwen/Qwen2.5-VL-3B-Instruct')
  await mkdir(model, { recursive: true })
  for (const name of await checkpointFiles()) await copyFile(join(tinyFolder, name), join(model, name))
  await copyFile(join(tinyFolder, 'images/img0.png'), join(folder, 'chart.png'))
  const before = process.cwd()
  process.chdir(folder)
  try {
    const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
    expect(promised).toHaveLength(1)
    expect(printed).toEqual(promised)
  } finally {
    process.chdir(before)
  }
  expect(await readdir(join(folder, 'solver'))).toContain('adapter_model.safetensors')
})
