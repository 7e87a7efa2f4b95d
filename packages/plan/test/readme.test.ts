/** The example of the README as it is written. */
import { fileURLToPath } from 'node:url'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'

test('a model of 7B on a card of 32 GB', async () => {
  const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)))
  expect(printed).toEqual(promised)
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(new URL('..', import.meta.url))).toEqual([])
})
