/** A run whose proposer asks nothing learns nothing, and must say so. */
import { expect, test } from 'vitest'
import type { ImageRecord, IterationRecord } from '../src'
import { watchQuestions } from '../src/watch-questions'
import { record } from './support/records'

const rejected: Partial<ImageRecord> = {
  rejected: 'malformed',
  faults: ['missing-question-tag'],
  proposerText: `bars "${'x'.repeat(100)}`,
  answers: [],
}

function follow(outcomes: readonly Partial<ImageRecord>[], { finish = true } = {}): string[] {
  const warnings: string[] = []
  const questions = watchQuestions((message) => warnings.push(message))
  for (const [i, outcome] of outcomes.entries()) {
    const plain = record(i + 1)
    const changed: IterationRecord = {
      ...plain,
      images: plain.images.map((image) => ({ ...image, ...outcome })),
    }
    questions.observe(changed)
  }
  if (finish) questions.end()
  return warnings
}

const times = (count: number, outcome: Partial<ImageRecord>) => Array.from({ length: count }, () => outcome)

test('twenty rejected questions in a row are told once, with the fault, the last output and a way out', () => {
  expect(follow(times(19, rejected), { finish: false })).toEqual([])
  expect(follow(times(60, rejected))).toEqual([
    'questions: the solver must be asked some, got 20 in a row that were rejected, the last (missing-question-tag) ' +
      `"bars \\"${'x'.repeat(74)}..."; give the proposer another prompt, or loosen the guards`,
  ])
  expect(follow([...times(30, {}), ...times(20, rejected)])).toHaveLength(1)
})

test('a short run that asked nothing says so at its end', () => {
  expect(follow(times(2, rejected))).toEqual([expect.stringContaining('got 2 in a row')])
  expect(follow(times(2, { ...rejected, rejected: 'unlikely' }))).toEqual([
    expect.stringContaining('the last (unlikely)'),
  ])
})

test('nothing is said where something is asked now and then, nor of pictures that cannot be read', () => {
  const unreadable: Partial<ImageRecord> = { ...rejected, rejected: 'unreadable', faults: [] }
  expect(follow([{}, ...times(19, rejected), {}, ...times(19, rejected)])).toEqual([])
  expect(follow(times(60, unreadable))).toEqual([])
  expect(follow([])).toEqual([])
})
