/** What a reward model says of answers that were held out, on disk, a line for each question. */
import type { JournalKind } from '../journal'
import { isObject } from '@evolmm/internal'

export interface ScoredAnswers {
  /** The place of the question among those that were answered. */
  place: number
  /** The value at the end of each step of each answer that was taken. */
  scores: readonly (readonly number[])[]
}

export const scores: JournalKind<ScoredAnswers> = {
  line: 'what a reward model says of answers',
  write: (item) => ({ ...item }),
  read(line) {
    if (!isObject(line)) return undefined
    const { place, scores: groups } = line
    if (!Number.isSafeInteger(place) || !Array.isArray(groups) || !groups.every(isNumbers)) return undefined
    return { place: place as number, scores: groups }
  },
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number' && Number.isFinite(each))
}
