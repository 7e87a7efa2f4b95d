/** The first example of the README, with a hub of this machine in place of the real one. */
import { fileURLToPath } from 'node:url'
import {
  bytes,
  readmeExamplesLeft,
  runReadmeExample,
  serveHub,
  temporaryFolder,
} from '@evolmm/internal/testing'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the first example of the README prints what it says', async () => {
  const files = {
    'config.json': '{"model_type":"qwen2_5_vl"}',
    'model.safetensors': bytes(1000),
    'pytorch_model.bin': bytes(1000),
  }
  const hub = await serveHub({ id: 'Qwen/Qwen2.5-VL-3B-Instruct', commit: 'c'.repeat(40), files })
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('HF_HUB_CACHE', temporaryFolder())
  const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
  expect(promised.length).toBeGreaterThan(2)
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
