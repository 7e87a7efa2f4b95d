import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { storedRuns } from '../../shared/stored-runs.mjs'
import { experiments, plannedRuns } from '../ablation/conditions.mjs'
import { tables } from '../ablation/tables.mjs'

test('every table of the document is what the stored runs say', async () => {
  const document = await readFile(new URL('../../../docs/results.md', import.meta.url), 'utf8')
  const stored = storedRuns(new URL('../results/', import.meta.url))
  const results = Object.keys(experiments).map(async (name) => [name, await stored.read(name)] as const)
  const made = tables(Object.fromEntries(await Promise.all(results)) as Parameters<typeof tables>[0])
  expect(Object.keys(made)).toContain('Variants')
  for (const table of Object.values(made)) expect(document).toContain(table)
})

test('variants have equal optimizer steps, whatever their cycles, and as many questions for each step', () => {
  const improved = plannedRuns({ experiment: 'variants', seeds: 1 }).filter(
    ({ condition }) => !['base', 'warm-up', 'sft'].includes(condition),
  )
  expect(improved).toHaveLength(7)
  for (const { settings } of improved) {
    const { total_steps, interval, most_lessons, batch_size } = settings.improve ?? {}
    // Two rounds through 480 questions.
    expect([total_steps, (interval * total_steps * batch_size) / most_lessons]).toEqual([64, 960])
  }
})
