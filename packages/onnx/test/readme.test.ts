import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

const guide = '../../docs/onnx.md'

async function check(index: number, page?: string): Promise<void> {
  const { printed, promised } = await runReadmeExample(root, index, page)
  expect(promised.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
}

test('the example that trains something prints what the README says', async () => {
  await check(0)
})

test.each([
  ['that differentiates a file', 0],
  ['that puts weights back into a file', 1],
])('the example of the guide %s does', async (_, index) => {
  const fixture = JSON.parse(readFileSync(join(root, 'test/fixtures/differentiate.json'), 'utf8')) as {
    mlp: { model: string }
  }
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-readme-'))
  const before = process.cwd()
  try {
    writeFileSync(join(folder, 'model.onnx'), Buffer.from(fixture.mlp.model, 'base64'))
    process.chdir(folder)
    await check(index, guide)
  } finally {
    process.chdir(before)
    rmSync(folder, { recursive: true })
  }
})

test('the example with a custom op does', async () => {
  await check(2, guide)
})

test('the example of fine-tuning does', async () => {
  await check(3, guide)
})

test('no example of README and guide is left out', () => {
  expect(readmeExamplesLeft(root)).toEqual([])
  expect(readmeExamplesLeft(root, guide)).toEqual([])
})
