import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runReadmeExample } from '@evolmm/internal/testing'

test('the first example of the README prints what it says', async () => {
  const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
  expect(promised.length).toBeGreaterThan(2)
  expect(printed).toEqual(promised)
})
