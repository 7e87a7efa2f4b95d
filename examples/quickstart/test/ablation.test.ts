import { readFile } from 'node:fs/promises'
import { answerTo, chart, labelledPairs, parseQuestion } from '@evolmm/tiny-world'
import type { GradedAnswer } from '@evolmm/trainer'
import { expect, test } from 'vitest'
import { confidentReward, oracleReward, randomReward } from '../ablation/rewards.mjs'
import { interval, rankCorrelation } from '../../shared/statistics.mjs'
import { storedRuns } from '../../shared/stored-runs.mjs'
import { tables } from '../ablation/tables.mjs'

const graded = (step: number, seed: number, question: string, answer: string | null): GradedAnswer => ({
  step,
  image: `chart-${seed}.png`,
  question,
  text: '',
  answer,
  group: 0,
  words: 0,
  wellFormed: true,
})

test('every table of the document is what the stored runs say', async () => {
  const document = await readFile(new URL('../../../docs/results.md', import.meta.url), 'utf8')
  const names = ['main', 'tune', 'long', 'reading', 'update']
  const stored = storedRuns(new URL('../results/', import.meta.url))
  const results = await Promise.all(names.map(async (name) => [name, await stored.read(name)] as const))
  const made = tables(Object.fromEntries(results) as Parameters<typeof tables>[0])
  expect(Object.keys(made).length).toBeGreaterThan(8)
  for (const table of Object.values(made)) expect(document).toContain(table)
})

test('intervals are those of the t distribution', () => {
  // R: t.test(c(1, 2, 3, 4, 5))$conf.int is 1.036757 to 4.963243.
  const { mean, margin } = interval([1, 2, 3, 4, 5])
  expect(mean).toBe(3)
  expect(margin).toBeCloseTo(1.963243, 3)
  expect(interval([7]).margin).toBeUndefined()
})

test('rank correlations are those of the textbook', () => {
  // Ranks -1.5, 0, 0, 1.5 about their mean, and -0.5, -1.5, 0.5, 1.5: 3 / sqrt(4.5 * 5).
  expect(rankCorrelation([1, 5, 5, 9], [20, 10, 30, 40])).toBeCloseTo(3 / Math.sqrt(22.5), 12)
  expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBe(-1)
})

test('the oracle pays for the true answer alone, and does not score what the chart cannot answer', () => {
  const [{ chart: about, question, answer }] = labelledPairs({ split: 'evolve', charts: 1 })
  const absent = ['red', 'blue', 'green', 'yellow', 'purple', 'black'].find((color) =>
    about.bars.every((bar) => bar.color !== color),
  )
  expect(
    oracleReward()([
      graded(1, about.seed, question, answer),
      graded(1, about.seed, question, 'another'),
      graded(1, about.seed, question, null),
      graded(1, about.seed, `What is the value of the ${absent} bar?`, '3'),
      graded(1, about.seed, 'What is that?', '3'),
    ]),
  ).toEqual([1, 0, 0, null, null])
  const parsed = parseQuestion(question)
  expect(parsed && answerTo(parsed, chart(about.seed))).toBe(answer)
})

test('the confident reward is the continuous one where three answers agree, and none elsewhere', () => {
  const group = (group: number, answers: (string | null)[]) =>
    answers.map((answer) => ({ ...graded(1, 1, 'How many bars are there?', answer), group }))
  const [clear, unclear, invalid] = [
    group(0, ['3', '3', '4', '3', null]),
    group(1, ['3', '3', '4', '4', '5']),
    group(2, [null, null, null, '3', '4']),
  ]
  const three = 0.6 ** 0.7
  expect(confidentReward()([...clear, ...unclear, ...invalid])).toEqual([
    three,
    three,
    0.2 ** 0.7,
    three,
    0,
    ...Array.from({ length: 10 }, () => null),
  ])
})

test('random rewards depend on seed, step and place, not on the answer', () => {
  const batch = (step: number, answer: string) =>
    Array.from({ length: 1000 }, () => graded(step, 1, 'How many bars are there?', answer))
  const rewards = randomReward(1)(batch(1, '3')) as number[]
  expect(randomReward(1)(batch(1, '4'))).toEqual(rewards)
  expect(randomReward(1)(batch(2, '3'))).not.toEqual(rewards)
  expect(randomReward(2)(batch(1, '3'))).not.toEqual(rewards)
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length
  // Four standard errors of a uniform variable's mean.
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 1000))
  expect(Math.min(...rewards)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...rewards)).toBeLessThan(1)
})
