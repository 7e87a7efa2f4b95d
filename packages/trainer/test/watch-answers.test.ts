/** A run in which no answer is valid learns nothing, and must say so early and when it ends. */
import { expect, test } from 'vitest'
import type { IterationRecord } from '../src'
import { watchAnswers } from '../src/watch-answers'
import { record } from './support/records'

type Outcome = 'valid' | 'invalid' | 'cut off' | 'not asked'

function follow(outcomes: readonly Outcome[], { finish = true } = {}): string[] {
  const warnings: string[] = []
  const watch = watchAnswers((message) => warnings.push(message))
  for (const [i, outcome] of outcomes.entries()) watch.observe(iteration(i + 1, outcome))
  if (finish) watch.end()
  return warnings
}

/** An iteration of one question with five answers, or of one that nobody answered. */
function iteration(step: number, outcome: Outcome): IterationRecord {
  const plain = record(step)
  if (outcome === 'valid') return plain
  const finishReason = outcome === 'cut off' ? ('length' as const) : ('stop' as const)
  return {
    ...plain,
    images: plain.images.map((image) => ({
      ...image,
      answers:
        outcome === 'not asked'
          ? []
          : image.answers.map((answer) => ({
              ...answer,
              ...{ answer: null, raw: null, text: `I see "${'x'.repeat(100)}`, finishReason },
            })),
    })),
  }
}

const times = (count: number, outcome: Outcome) => Array.from({ length: count }, () => outcome)

test('ten iterations without a valid answer are told once, with the last output and a way out', () => {
  expect(follow(times(9, 'invalid'), { finish: false })).toEqual([])
  expect(follow(times(30, 'invalid'), { finish: false })).toEqual([
    'answers: some must be valid for the solver to learn, got 50 answers in 10 iterations in a row and not one that is, ' +
      `0 of them cut off, the last "I see \\"${'x'.repeat(73)}..."; give the solver another prompt, ` +
      'raise max_new_tokens_solver, or let untagged_answers count',
  ])
  expect(follow([...times(30, 'valid'), ...times(10, 'invalid')])).toHaveLength(1)
  expect(follow([...times(4, 'invalid'), ...times(6, 'cut off')], { finish: false })).toEqual([
    expect.stringContaining('30 of them cut off'),
  ])
})

test('a run in which no answer counted says so at its end, whether or not it said so early', () => {
  expect(follow(times(2, 'invalid'))).toEqual([expect.stringContaining('got 10 answers in the whole run')])
  expect(follow(times(12, 'invalid'))).toEqual([
    expect.stringContaining('in 10 iterations in a row'),
    expect.stringContaining('got 60 answers in the whole run'),
  ])
})

test('nothing is said where an answer is valid now and then, nor of iterations that asked nothing', () => {
  expect(follow(['valid', ...times(9, 'invalid'), 'valid', ...times(9, 'invalid')])).toEqual([])
  expect(follow([...times(9, 'invalid'), ...times(20, 'not asked')], { finish: false })).toEqual([])
  expect(follow(times(30, 'not asked'))).toEqual([])
  expect(follow([])).toEqual([])
})
