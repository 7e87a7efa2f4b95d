/** Labelled questions by the rules of a scorer: how one is put, and what an answer to it is worth. */
import type { LabelledQuestion } from '@evolmm/dataset'
import { scorers, type ScorerName } from '@evolmm/rewards'
import { optionLines } from './scoring/option-lines'

const singleWord = 'Answer the question using a single word or phrase.'
const instructions: Record<ScorerName, string> = {
  exact: singleWord,
  relaxed: singleWord,
  anls: singleWord,
  math: 'Please solve the problem step by step and put your answer in one "\\boxed{}".',
  choice: "Answer with the option's letter from the given choices directly.",
}

/** `instruction` is what is asked for after the question. @default depends on the scorer */
export function questionText(
  { question, options }: LabelledQuestion,
  scorer: ScorerName,
  instruction = instructions[scorer],
): string {
  return [question, optionLines(options), instruction].filter((part) => part !== '').join('\n')
}

/** What was understood, and its worth between 0 and 1; the worth is null where nobody knows the right answer. */
export function gradeAnswer(
  text: string,
  { answers, options }: LabelledQuestion,
  scorer: ScorerName,
): { value: number | null; parsed: string | null } {
  const { read, score } = scorers[scorer]
  return {
    value: answers === null ? null : (score(text, answers, options) ?? 0),
    parsed: read(text, options),
  }
}
