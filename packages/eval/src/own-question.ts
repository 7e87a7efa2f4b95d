/** A question of one's own with its right answers, if anybody knows them: how it is put, and what an answer is worth. */
import { scorers, type ScorerName } from '@evolmm/rewards'
import { optionLines } from './scoring/option-lines'

export interface OwnQuestion {
  question: string
  /** The right ones; null when nobody knows. */
  answers: readonly string[] | null
  /** What there is to choose from; empty for none. */
  options: readonly string[]
}

const singleWord = 'Answer the question using a single word or phrase.'
const instructions: Record<ScorerName, string> = {
  exact: singleWord,
  relaxed: singleWord,
  anls: singleWord,
  math: 'Please solve the problem step by step and put your answer in one "\\boxed{}".',
  choice: "Answer with the option's letter from the given choices directly.",
}

/** `instruction` is what is asked for after the question. @default depends on the scorer */
export function ownPrompt(
  { question, options }: OwnQuestion,
  scorer: ScorerName,
  instruction = instructions[scorer],
): string {
  return [question, optionLines(options), instruction].filter((part) => part !== '').join('\n')
}

/** What was understood, and its worth between 0 and 1; the worth is null where nobody knows the right answer. */
export function scoreOwn(
  text: string,
  { answers, options }: OwnQuestion,
  scorer: ScorerName,
): { value: number | null; parsed: string | null } {
  const { read, score } = scorers[scorer]
  return {
    value: answers === null ? null : (score(text, answers, options) ?? 0),
    parsed: read(text, options),
  }
}
