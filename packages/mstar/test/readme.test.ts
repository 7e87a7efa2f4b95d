/** The example of the README as it is written. */
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the example prints what it promises', async () => {
  const { printed, promised } = await runReadmeExample(root)
  expect(printed).toEqual(promised)
  expect(promised).toHaveLength(4)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(root)).toEqual([])
})
