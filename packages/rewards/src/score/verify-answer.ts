/** Is the final answer of a text that reasons right? No model and no judge is asked. */
import { checkList, checkNames, checkOneOf } from '@evolmm/internal'
import { INVALID, type Answer } from '../answer'
import { normalizeCanonical } from '../normalize/normalize-canonical'
import { finalAnswer } from '../parse/final-answer'
import { mathEqual } from './math-equal'
import { readOption } from './read-option'
import { scorerNames, scorers, type ScorerName } from './scorers'

export interface VerifyOptions {
  /** The right answers, with options their letters or texts; null when nobody knows. */
  answers: readonly string[] | null
  /** The texts that the question lets one choose from. @default none */
  options?: readonly string[] | undefined
  /**
   * The rule that compares. @default where there are options the one that is named by letter, text or value; else equal values, whatever
   * their spelling, or else texts that `normalizeCanonical` finds the same
   */
  scorer?: ScorerName | undefined
}

export interface VerifiedAnswer {
  /** The final answer as it was written; `INVALID` where there is none. */
  answer: Answer
  /** What the answer says: equal readings are equal answers. `INVALID` for what cannot be read. */
  reading: Answer
  /** True for the right answer, false for another one and for what cannot be read; null when nobody knows. */
  right: boolean | null
}

/** Right is an answer whose worth is 1. Throws `INVALID_OPTION`. */
export function verifyAnswer(output: string, options: VerifyOptions): VerifiedAnswer {
  checkNames('verifyAnswer', options, { answers: true, options: true, scorer: true })
  const { answers, options: choices = [], scorer } = options
  if (answers !== null) checkList('answers', answers)
  if (scorer !== undefined) checkOneOf('scorer', scorer, scorerNames)
  const answer = finalAnswer(output)
  const reading = answer === INVALID ? INVALID : read(answer, choices, scorer)
  const isRight = () =>
    answer !== INVALID && reading !== INVALID && agrees(answer, answers ?? [], choices, scorer)
  return { answer, reading, right: answers === null ? null : isRight() }
}

function read(answer: string, options: readonly string[], scorer: ScorerName | undefined): Answer {
  if (scorer !== undefined) return scorers[scorer].read(answer, options)
  return options.length > 0 ? readOption(answer, options) : normalizeCanonical(answer)
}

function agrees(
  answer: string,
  references: readonly string[],
  options: readonly string[],
  scorer: ScorerName | undefined,
): boolean {
  if (scorer !== undefined) return scorers[scorer].score(answer, references, options) === 1
  const reading = read(answer, options, scorer)
  if (options.length > 0)
    return references.some((reference) => reference === reading || readOption(reference, options) === reading)
  return references.some(
    (reference) => normalizeCanonical(reference) === reading || mathEqual(answer, reference),
  )
}
