import { expect, test } from 'vitest'
import { runReadmeExample } from '@evolmm/internal/testing'
import { tasks } from '../src'
import { readFileSync } from 'node:fs'

const folder = new URL('..', import.meta.url)

test('the README example prints what it says', async () => {
  const { printed, promised } = await runReadmeExample(folder)
  expect(printed.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
})

test('the README names every task', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8')
  // Variants of one task by their endings.
  for (const { name } of tasks)
    expect(readme).toMatch(
      new RegExp(`\`${name}\`|\`${name.replace(/_(?=[a-z]+$).*/, '')}\`.*\`_${name.replace(/.*_/, '')}\``),
    )
})
