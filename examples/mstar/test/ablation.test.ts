import { readFile } from 'node:fs/promises'
import { stepSets } from '@evolmm/tiny-world'
import { expect, test } from 'vitest'
import { storedRuns } from '../../shared/stored-runs.mjs'
import { experiments, plannedRuns } from '../ablation/conditions.mjs'
import { randomScores, trueScores } from '../ablation/scorers.mjs'
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

test('true scores are those of the chart whose file the image is, and a bare answer has none', () => {
  const asked = stepSets({ train: 20, unlabelled: 0, validation: 0, test: 0 }).train
  const about = asked.find(({ kind }) => kind === 'sum')
  if (about === undefined) throw new Error('no sum among the questions')
  const { chart, question, answer } = about
  const [first] = chart.bars
  const wrong = `${first.color} is ${first.value + 1}.`
  const read = `${first.color} is ${first.value}.`
  const answers = [[read, wrong, `The answer is ${answer}.`], [`The answer is ${answer}.`]].map((steps) => ({
    steps,
  }))
  const images = [`/charts/chart-${chart.seed}.png`]
  expect(trueScores({ question: { question, images }, answers })).toEqual([[1, 0, 1], [0]])
})

test('random scores know their seed alone', () => {
  const answers = [{ steps: Array.from({ length: 2000 }, () => 'red is 3.') }]
  const [scores] = randomScores(1)({ answers }) as number[][]
  expect(randomScores(1)({ answers })).toEqual([scores])
  expect(randomScores(2)({ answers })).not.toEqual([scores])
  // Four standard errors of a uniform variable's mean.
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 2000))
})
