import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  askCharts,
  otherStepKinds,
  parseQuestion,
  parseStepQuestion,
  splitChart,
  stepAnswer,
  stepKinds,
  stepQuestionPrompt,
  stepRationalePrompt,
  stepSets,
  stepTruths,
  stepTurns,
  type Chart,
} from '../src/index'

const bar = (column: number, color: 'red' | 'blue' | 'green' | 'black', value: number) => ({
  ...{ column, color, value, x: 28 * column + 4, width: 12 },
})
const chart: Chart = {
  seed: 0,
  bars: [bar(0, 'green', 5), bar(1, 'black', 5), bar(2, 'red', 1), bar(3, 'blue', 8)],
}

function asked(text: string) {
  const question = parseStepQuestion(text)
  if (question === undefined) throw new Error(`no question: ${text}`)
  return question
}

test('answers, worked out by hand', () => {
  const answers: [string, string | undefined][] = [
    ['What is the sum of red and blue?', '9'],
    ['What is the difference of green and blue?', '3'],
    ['What is the difference of green and black?', '0'],
    ['Is the sum of red and green larger than blue?', 'no'],
    ['Is the sum of black and green larger than blue?', 'yes'],
    ['How much taller is the tallest bar than the lowest bar?', '7'],
    ['How many bars are taller than the red bar?', '3'],
    ['How many bars are taller than the green bar?', '1'],
    ['How many bars are lower than the black bar?', '1'],
    [' What is the sum of the tallest bar and the lowest bar?\n', '9'],
    ['What is the sum of red and yellow?', undefined],
  ]
  for (const [text, answer] of answers) expect(stepAnswer(asked(text), chart), text).toBe(answer)
  for (const text of ['', 'What is the sum of red and red?', 'Which bar is the tallest?'])
    expect(parseStepQuestion(text)).toBeUndefined()
})

/** `t` and `f` for each step, in capitals where it is relevant. */
const judged = (text: string, question: string) =>
  stepTruths(text, asked(question), chart)
    .map(({ isTrue, isRelevant }) => (isTrue ? 't' : 'f')[isRelevant ? 'toUpperCase' : 'toLowerCase']())
    .join('')

test('the truth of steps, worked out by hand', () => {
  const sum = 'What is the sum of red and blue?'
  expect(judged('red is 1.\nblue is 8.\n1 + 8 = 9.\nThe answer is 9.', sum)).toBe('TTTT')
  // The right answer by luck: both readings are wrong, and with them what is reckoned from them.
  expect(judged('red is 2.\nblue is 7.\n2 + 7 = 9.\nThe answer is 9.', sum)).toBe('FFfT')
  // The numbers stand for nothing that was read, or for too little of it.
  expect(judged('1 + 8 = 9.\nThe answer is 9.', sum)).toBe('FT')
  expect(judged('green is 5.\n5 + 5 = 10.\nblack is 5.\n5 + 5 = 10.', sum)).toBe('tftt')
  // Wrong arithmetic, and an operation that is not asked for.
  expect(judged('red is 1.\nblue is 8.\n1 + 8 = 8.\n8 - 1 = 7.\nThe answer is 7.', sum)).toBe('TTFtF')
  const larger = 'Is the sum of red and black larger than blue?'
  expect(judged('red is 1.\nblack is 5.\n1 + 5 = 6.\nblue is 8.\n6 < 8.\nThe answer is no.', larger)).toBe(
    'TTTTTT',
  )
  expect(judged('red is 1.\nblack is 5.\n1 + 5 = 6.\n6 > 8.\nThe answer is no.', larger)).toBe('TTTFT')
  // The tallest and the lowest are asked about, and nothing else.
  const spread = 'How much taller is the tallest bar than the lowest bar?'
  expect(judged('green is 5.\nred is 1.\n5 - 1 = 4.\nThe answer is 4.', spread)).toBe('tTtF')
})

test('wording, case and space do not count, and what cannot be read is not true', () => {
  const sum = 'What is the sum of red and blue?'
  expect(judged('\n  The RED bar is 1\n\nblue = 8 .\n1+8=9\nanswer is 9', sum)).toBe('TTTT')
  const lines = [
    'I see red.',
    'red is one.',
    'red is 1 and blue is 8.',
    'red is 1000.',
    'The answer is',
    '\0',
    'yellow is 1.',
  ]
  expect(judged(lines.join('\n'), sum)).toBe('fffffff')
  expect(judged('', sum)).toBe('')
  expect(judged(`${'red is 1.'.padStart(1000)}\n${'red is 1.\n'.repeat(100)}`, sum)).toBe(
    `f${'T'.repeat(63)}${'f'.repeat(37)}`,
  )
})

test('what is asked has a true answer among its options, and the sets share no chart', () => {
  const sets = stepSets({ train: 80, unlabelled: 20, validation: 20, test: 40 })
  const seeds = Object.values(sets).map((set) => new Set(set.map(({ chart: { seed } }) => seed)))
  expect(seeds.map(({ size }) => size)).toEqual([80, 20, 20, 40, 40])
  expect(new Set(seeds.flatMap((set) => [...set])).size).toBe(200)
  expect(new Set(sets.train.map(({ kind }) => kind))).toEqual(new Set(stepKinds))
  const twoBars = sets.other.filter(({ chart: { bars } }) => bars.length === 2)
  expect(twoBars.length).toBe(40)
  expect(new Set(sets.other.slice(40).map(({ kind }) => kind))).toEqual(new Set(otherStepKinds))
  for (const { chart: facts, question, answer, options } of Object.values(sets).flat()) {
    expect(stepAnswer(asked(question), facts)).toBe(answer)
    expect(parseQuestion(question)).toBeUndefined()
    expect(new Set(options).size).toBe(options.length)
    if (options.length > 0) expect(options).toContain(answer)
  }
  const choices = sets.train.filter(({ options }) => options.length > 0).length
  // Half of 160 are expected, with a deviation of 6.
  expect(Math.abs(choices - 80)).toBeLessThan(30)
})

test('what a start is taught: bare answers that are true, and rationales that are true but for the bad examples', () => {
  const explains = stepRationalePrompt.slice('{question}'.length).replace('{answer}.', '')
  const read = (facts: Chart, wrong: number) =>
    stepTurns(facts, { wrong }).flatMap(({ prompt, completion }) => {
      const question = parseStepQuestion(prompt.split('\n')[0])
      if (question === undefined) return []
      const steps = stepTruths(completion, question, facts)
      if (!prompt.includes(explains)) {
        expect(prompt.endsWith(stepQuestionPrompt.slice('{question}'.length))).toBe(true)
        expect(steps).toEqual([{ isTrue: true, isRelevant: true }])
        return []
      }
      return [{ isTrue: steps.every(({ isTrue }) => isTrue), isRight: steps.at(-1)?.isTrue === true, steps }]
    })
  const charts = Array.from({ length: 300 }, (_, i) => splitChart('warmup', i))
  const clean = charts.flatMap((facts) => read(facts, 0))
  expect(clean.length).toBe(600)
  expect(
    clean.every(({ steps }) => steps.length > 2 && steps.every((step) => step.isTrue && step.isRelevant)),
  ).toBe(true)
  const noisy = charts.flatMap((facts) => read(facts, 0.5))
  const share = (of: (typeof noisy)[number][]) => of.length / noisy.length
  // Half are misread; half of these say the right answer all the same, and some of the others by luck.
  expect(share(noisy.filter(({ isTrue }) => isTrue))).toBeGreaterThan(0.4)
  expect(share(noisy.filter(({ isTrue }) => isTrue))).toBeLessThan(0.6)
  const lucky = noisy.filter(({ isTrue, isRight }) => isRight && !isTrue)
  expect(share(lucky)).toBeGreaterThan(0.2)
  expect(share(lucky)).toBeLessThan(0.45)
})

test('any text has a truth for each of its lines', () => {
  const question = asked('What is the sum of red and blue?')
  fc.assert(
    fc.property(fc.array(fc.string()), (lines) => {
      const text = lines.join('\n')
      const filled = text.split('\n').filter((line) => line.trim() !== '')
      expect(stepTruths(text, question, chart).length).toBe(filled.length)
    }),
  )
  expect(askCharts({ split: 'tune', charts: 2 })).toEqual(askCharts({ split: 'tune', charts: 2 }))
})
