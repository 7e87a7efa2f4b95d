/** The values of steps on disk, a line for each question: a file that goes on after a kill, and labels nothing twice. */
import { isObject } from '@evolmm/internal'
import type { JournalKind } from '../journal'
import type { LabelledStep } from '../label-steps'

export interface LabelledAnswers {
  /** The place of the question among those that were answered. */
  place: number
  answers: readonly { answer: number; steps: readonly LabelledStep[] }[]
}

export const labels: JournalKind<LabelledAnswers> = {
  line: 'the values of the steps of answers',
  write: (item) => ({ ...item }),
  read({ place, answers }) {
    if (!isPlace(place) || !Array.isArray(answers) || !answers.every(isLabelled)) return undefined
    return { place, answers }
  },
}

function isLabelled(value: unknown): value is LabelledAnswers['answers'][number] {
  if (!isObject(value) || !isPlace(value.answer) || !Array.isArray(value.steps)) return false
  let before = 0
  for (const step of value.steps as unknown[]) {
    if (!isObject(step) || !isPlace(step.end) || step.end <= before || !isShare(step.value)) return false
    before = step.end
  }
  return before > 0
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1
}
