import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { hardCases, hardCaseTable } from './hard-cases'

const folder = new URL('..', import.meta.url)

test.each([0, 1, 2, 3])('README example %i prints what it says', async (index) => {
  const { printed, promised } = await runReadmeExample(folder, index)
  expect(printed.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
})

test('the README shows every hard case as it is', () => {
  expect(hardCases).toHaveLength(30)
  const readme = readFileSync(new URL('README.md', folder), 'utf8')
  // The formatter pads table cells.
  expect(readme.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')).toContain(
    hardCaseTable().replace(/ *\| */g, '|'),
  )
})

test('no example of the README is left out', () => {
  expect(readmeExamplesLeft(folder)).toEqual([])
})
