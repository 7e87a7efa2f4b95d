import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  allQuestions,
  answerTo,
  chart,
  labelledPairs,
  parseQuestion,
  questionKinds,
  questionText,
  readingTurns,
  splits,
  warmupTurns,
  type Chart,
} from '../src/index'

const bar = (column: number, color: 'red' | 'blue' | 'green' | 'black', value: number) => ({
  column,
  color,
  value,
  x: 28 * column + 4,
  width: 12,
})
const three: Chart = { seed: 0, bars: [bar(1, 'blue', 4), bar(2, 'red', 9), bar(3, 'green', 2)] }
const four: Chart = {
  seed: 0,
  bars: [bar(0, 'green', 5), bar(1, 'black', 5), bar(2, 'red', 1), bar(3, 'blue', 8)],
}

test('answers, worked out by hand', () => {
  const answers = (given: Chart) => (text: string) => {
    const question = parseQuestion(text)
    return question && answerTo(question, given)
  }
  const [a, b] = [answers(three), answers(four)]
  expect(a('How many bars are there?')).toBe('3')
  expect(b('How many bars are there?')).toBe('4')
  expect(a('Which bar is the tallest?')).toBe('red')
  expect(b('Which bar is the lowest?')).toBe('red')
  expect(a('Which color is the first bar?')).toBe('blue')
  expect(b('Which color is the third bar?')).toBe('red')
  expect(a('What is the value of the tallest bar?')).toBe('9')
  expect(b('What is the value of the second bar?')).toBe('5')
  expect(a('Is the second bar taller than the first bar?')).toBe('yes')
  expect(b('Is the first bar taller than the second bar?')).toBe('no')
  expect(a('What is the value of the green bar?')).toBe('2')
  expect(a(' What is the value of the green bar?\n')).toBe('2')
})

test('what a chart does not answer, and what is no question of ours, have no answer', () => {
  const question = parseQuestion('What is the value of the black bar?')
  expect(question && answerTo(question, three)).toBeUndefined()
  for (const text of [
    '',
    'Which is the8',
    'Is the second the second bar?',
    'Is the third bar taller than the third bar?',
  ])
    expect(parseQuestion(text)).toBeUndefined()
})

test('a text says which question it is', () => {
  expect(new Set(allQuestions.map(questionText)).size).toBe(allQuestions.length)
  for (const question of allQuestions) expect(parseQuestion(questionText(question))).toEqual(question)
})

test('labelled pairs: answers are true, kinds are spread, and the purposes share no chart', () => {
  const sets = (['tune', 'test'] as const).map((split) => labelledPairs({ split, charts: 200 }))
  for (const pairs of sets) {
    expect(pairs.length).toBe(400)
    for (const { chart: facts, question, answer, kind } of pairs) {
      const parsed = parseQuestion(question)
      expect(parsed?.kind).toBe(kind)
      expect(parsed && answerTo(parsed, facts)).toBe(answer)
    }
    for (const kind of questionKinds) {
      const count = pairs.filter((pair) => pair.kind === kind).length
      // Two of eight kinds for each of 200 charts: 50 expected, with a deviation of 6.
      expect(count).toBeGreaterThan(25)
      expect(count).toBeLessThan(75)
    }
  }
  const [tune, test] = sets.map((pairs) => new Set(pairs.map((pair) => pair.chart.seed)))
  expect([...tune].some((seed) => test.has(seed))).toBe(false)
  expect(
    labelledPairs({ split: 'test', charts: 3, questions: 1, kinds: ['count'] }).map(({ kind }) => kind),
  ).toEqual(['count', 'count', 'count'])
})

test('what the warm-up teaches is true, and differs from question to question', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
      const facts = chart(seed)
      const turns = warmupTurns(facts)
      const questions = turns.slice(0, -2)
      expect(questions.length).toBeGreaterThanOrEqual(6)
      expect(questions.length).toBeLessThanOrEqual(9)
      expect(new Set(questions.map(({ prompt }) => prompt)).size).toBe(questions.length)
      for (const { prompt, completion } of questions) {
        const question = parseQuestion(prompt)
        expect(completion).toBe(`<answer>${String(question && answerTo(question, facts))}</answer>`)
      }
      const [ask, describe] = turns.slice(-2)
      expect(ask.prompt).toBe('Ask a question.')
      const proposed = /^<question>(.*)<\/question>$/.exec(ask.completion)?.[1] ?? ''
      const question = parseQuestion(proposed)
      expect(question && answerTo(question, facts)).toBeDefined()
      expect(describe).toEqual({
        prompt: 'Describe the chart.',
        completion: facts.bars.map(({ color, value }) => `${color} ${value}`).join(', '),
      })
    }),
  )
})

test('of the answers that are to be wrong, some are right by luck, and the rest of the turn stays', () => {
  let wrong = 0
  let all = 0
  for (let i = 0; i < 400; i++) {
    const facts = chart(splits.warmup.start + i)
    const [clean, noisy] = [warmupTurns(facts), warmupTurns(facts, { wrong: 0.4 })]
    expect(noisy.map(({ prompt }) => prompt)).toEqual(clean.map(({ prompt }) => prompt))
    for (const [t, turn] of clean.slice(0, -2).entries()) {
      all++
      if (turn.completion !== noisy[t].completion) wrong++
    }
    expect(noisy.at(-1)).toEqual(clean.at(-1))
  }
  // 40 % are drawn anew; a guess hits in roughly a quarter of them. About 2,900 answers, so four deviations are 3.5 %.
  expect(wrong / all).toBeGreaterThan(0.25)
  expect(wrong / all).toBeLessThan(0.35)
})

test('readings: the hasty one measures from the top, from left to right; the careful one from the base, in another order', () => {
  const write = (bars: Chart['bars']) => bars.map(({ color, value }) => `${color} ${value}`).join(', ')
  for (const hasty of [0, 0.4]) {
    const seen = { right: 0, careful: 0, hasty: 0 }
    for (let i = 0; i < 300; i++) {
      const facts = chart(i)
      const upsideDown = { ...facts, bars: facts.bars.map((each) => ({ ...each, value: 10 - each.value })) }
      const turns = readingTurns(facts, { hasty })
      expect(turns.length).toBe(5)
      for (const { prompt, completion } of turns.slice(0, -1)) {
        const question = parseQuestion(prompt)
        const [read, said] = completion.split(' <answer>')
        const answer = (about: Chart) => `${(question && answerTo(question, about)) ?? ''}</answer>`
        if (read === write(upsideDown.bars) && said === answer(upsideDown)) seen.hasty++
        else {
          // The same bars with their true values, and the true answer.
          expect(read.split(', ').sort()).toEqual(write(facts.bars).split(', ').sort())
          expect(said).toBe(answer(facts))
          seen.careful++
          if (read === write([...facts.bars].reverse())) seen.right++
        }
      }
    }
    // Of 1,200 readings; four deviations are at most 70.
    expect(Math.abs(seen.hasty - 1200 * hasty)).toBeLessThan(70)
    expect(seen.right).toBeGreaterThan(400 * (1 - hasty) - 70)
  }
})
