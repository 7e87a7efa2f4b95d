import { expect, test } from 'vitest'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'

test('the README example prints what it says', async () => {
  const { printed, promised } = await runReadmeExample(new URL('..', import.meta.url), 0)
  expect(printed.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
