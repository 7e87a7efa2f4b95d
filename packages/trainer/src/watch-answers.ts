/**
 * Says that a run learns nothing, since not one answer of its solver is valid: once as soon as that has been so for
 * `patience` iterations in a row, and again at the end of a run in which no answer counted.
 */
import { counted } from '@evolmm/internal'
import type { WarningListener } from '@evolmm/internal/node'
import { answersOf } from './metrics/means'
import type { AnswerRecord, IterationRecord } from './record/record'

/** Iterations in a row in which something was answered. */
const patience = 10

export interface AnswerWatch {
  observe: (record: IterationRecord) => void
  /** Tells of a run that is over. */
  end: () => void
}

interface Tally {
  iterations: number
  answers: number
  cutOff: number
}

const none: Tally = { iterations: 0, answers: 0, cutOff: 0 }

export function watchAnswers(onWarning: WarningListener): AnswerWatch {
  let [streak, valid, isWarned] = [none, 0, false]
  let last: AnswerRecord | undefined
  const warn = (when: string) => {
    if (last === undefined) return
    const { text } = last
    const start = text.length > 80 ? `${text.slice(0, 80)}...` : text
    const { answers, cutOff } = streak
    onWarning(
      `answers: some must be valid for the solver to learn, got ${counted(answers, 'answer')} ${when} ` +
        `and not one that is, ${cutOff} of them cut off, the last ${JSON.stringify(start)}; ` +
        'give the solver another prompt, raise max_new_tokens_solver, or let untagged_answers count',
      'NO_VALID_ANSWER',
    )
  }
  return {
    observe: (record) => {
      const answers = answersOf(record)
      if (answers.length === 0) return
      const validNow = answers.filter(({ answer }) => answer !== null).length
      valid += validNow
      last = answers.at(-1)
      streak = validNow > 0 ? none : added(streak, answers)
      if (streak.iterations < patience || isWarned) return
      isWarned = true
      warn(`in ${patience} iterations in a row`)
    },
    end: () => {
      if (valid === 0) warn('in the whole run')
    },
  }
}

function added({ iterations, answers, cutOff }: Tally, more: readonly AnswerRecord[]): Tally {
  return {
    iterations: iterations + 1,
    answers: answers + more.length,
    cutOff: cutOff + more.filter(({ finishReason }) => finishReason === 'length').length,
  }
}
