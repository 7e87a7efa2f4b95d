import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'

test.each([0, 1])('README example %i prints what it says', async (index) => {
  const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)), index)
  expect(promised.length).toBeGreaterThan(2)
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
