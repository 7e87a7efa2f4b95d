import { expect, test, vi } from 'vitest'
import { sizedTest } from '../testing/index'

const counts = { test: 1500, ci: 1501, soak: 1502 }
const sizes = { cases: [counts.test, counts.ci, counts.soak] as const }

sizedTest('what is drawn follows the environment', sizes, ({ count, seed }) => {
  const { EVOLMM_TESTS: size = 'test', EVOLMM_SEED = '1' } = process.env
  expect(count).toBe(counts[size as 'test'])
  expect(seed).toBe(Number(EVOLMM_SEED))
  expect(expect.getState().currentTestName).toBe(
    `what is drawn follows the environment (${count.toLocaleString('en')} cases, seed ${seed})`,
  )
})

test.each([
  ['EVOLMM_TESTS', 'all', 'EVOLMM_TESTS: must be test, ci, soak, got all'],
  ['EVOLMM_SEED', '-1', 'EVOLMM_SEED: must be an integer from 0 to 2^31 - 1, got -1'],
  ['EVOLMM_SEED', 'x', 'EVOLMM_SEED: must be an integer from 0 to 2^31 - 1, got x'],
])('%s=%s is refused', async (name, value, message) => {
  vi.stubEnv(name, value)
  vi.resetModules()
  await expect(import('../testing/sized-test')).rejects.toThrow(message)
})
