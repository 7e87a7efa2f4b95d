import { expect, test } from 'vitest'
import { collapseWatch, type Alarm, type WatchOptions, type WatchRecord } from '../src'

interface Asked {
  question: string
  majority: string
  logProbability?: number
}

/** What is watched, of iterations of eight questions each. */
function watched(iterations: { asked: Asked[]; kl?: number }[], options?: WatchOptions): WatchRecord[] {
  const watch = collapseWatch(options)
  let state = watch.initial
  return iterations.map(({ asked, kl = 0 }) => {
    const observed = watch.observe(
      {
        questions: asked.map(({ question, majority, logProbability = -0.2 }) => ({
          text: question,
          majority,
          logProbability,
        })),
        entropies: asked.map(() => 1),
        rewards: [0, 1],
        count: asked.length,
        kl: { solver: kl, proposer: null },
      },
      state,
    )
    state = observed.state
    return observed.record
  })
}

/** 24 texts in turn, a third of them a time; the answer is one of four, or always the same to each text. */
function iteration(i: number, constant: boolean): Asked[] {
  return Array.from({ length: 8 }, (_, n) => {
    const text = (8 * i + n) % 24
    return { question: `Question ${text}?`, majority: constant ? 'x' : 'abcd'[Math.floor(i / 3) % 4] }
  })
}

const first = (watched: WatchRecord[], alarm: Alarm) =>
  watched.findIndex(({ alarms }) => alarms.includes(alarm))

test('one iteration far from the start is no alarm, a running mean over the window is', () => {
  const asked = iteration(0, false)
  const calm = Array.from({ length: 50 }, () => ({ asked, kl: 0.05 }))
  expect(first(watched([...calm, { asked, kl: 0.3 }, ...calm]), 'kl')).toBe(-1)
  // From 0 towards 0.15 by 8 / 200 of the way: above 0.1 when 0.96^n < 1/3, which is from n = 27 on.
  const far = watched(Array.from({ length: 40 }, () => ({ asked, kl: 0.15 })))
  expect(first(far, 'kl')).toBe(26)
  expect(far.slice(26).every(({ alarms }) => alarms.includes('kl'))).toBe(true)
  // A window of one iteration has no memory.
  expect(first(watched([...calm, { asked, kl: 0.11 }], { window: 8 }), 'kl')).toBe(50)
})

test('one answer to each of many texts is seen, though each text is asked a few times in a window', () => {
  const varied = Array.from({ length: 60 }, (_, i) => ({ asked: iteration(i, false) }))
  expect(first(watched(varied), 'constant-answers')).toBe(-1)
  const constant = Array.from({ length: 30 }, (_, i) => ({ asked: iteration(60 + i, true) }))
  const seen = watched([...varied, ...constant])
  // Each text is asked eight or nine times, and one of four answers is given to at most three of nine.
  expect(seen[24].startTopAnswerShare).toBeLessThan(0.4)
  expect(seen.at(-1)?.topAnswerShare).toBe(1)
  expect(first(seen, 'constant-answers')).toBeGreaterThan(60)
  expect(first(seen, 'constant-answers')).toBeLessThan(60 + 25)
})

test('one answer to a single text is seen where it is asked often', () => {
  const asked = (i: number, constant: boolean) => [
    ...Array.from({ length: 2 }, (_, n) => ({
      question: 'How many?',
      majority: constant ? '8' : 'abcd'[(i + n) % 4],
    })),
    // Others, answered in two ways, keep the mean down.
    ...Array.from({ length: 6 }, (_, n) => ({ question: `Which ${n}?`, majority: 'ab'[i % 2] })),
  ]
  const before = Array.from({ length: 50 }, (_, i) => ({ asked: asked(i, false) }))
  const after = Array.from({ length: 30 }, (_, i) => ({ asked: asked(i, true) }))
  expect(first(watched(before), 'constant-answers')).toBe(-1)
  expect(first(watched([...before, ...after]), 'constant-answers')).toBeGreaterThan(50)
})

test('questions that the start proposer would hardly have asked raise an alarm', () => {
  const of = (logProbability: number) =>
    Array.from({ length: 30 }, (_, i) => ({
      asked: iteration(i, false).map((one) => ({ ...one, logProbability })),
    }))
  expect(first(watched([...of(-0.2), ...of(-1.1)]), 'unlikely-questions')).toBe(-1)
  expect(first(watched([...of(-0.2), ...of(-1.3)]), 'unlikely-questions')).toBeGreaterThan(30)
})
