/** The example of the README as it is written. */
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'

const folder = new URL('..', import.meta.url)

test('the example prints what it says', async () => {
  const { printed, promised } = await runReadmeExample(folder)
  expect(promised).toHaveLength(3)
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(folder)).toEqual([])
})
