/** A question of one's own with its right answers, if anybody knows them: how it is put, and what an answer is worth. */
import { anls } from './scoring/anls'
import { inferOption, lettered } from './scoring/infer-option'
import { mathEqual } from './scoring/math-equal'
import { optionLines } from './scoring/option-lines'
import { strip } from './scoring/python-text'
import { relaxedMatch } from './scoring/relaxed-match'

/**
 * - `exact`: the same text but for case and spaces around it;
 * - `relaxed`: ChartQA's rule, numbers within 5 %;
 * - `anls`: InfographicVQA's rule, similarity of spelling;
 * - `math`: MathVision's rule, equal values;
 * - `choice`: the letter, or else the text, of an option.
 */
export type FolderScorer = 'exact' | 'relaxed' | 'anls' | 'math' | 'choice'

export const folderScorers: readonly FolderScorer[] = ['exact', 'relaxed', 'anls', 'math', 'choice']

export interface OwnQuestion {
  question: string
  /** Right ones; null when nobody knows. */
  answers: readonly string[] | null
  /** To choose from; empty for none. */
  options: readonly string[]
}

const singleWord = 'Answer the question using a single word or phrase.'
const instructions: Record<FolderScorer, string> = {
  exact: singleWord,
  relaxed: singleWord,
  anls: singleWord,
  math: 'Please solve the problem step by step and put your answer in one "\\boxed{}".',
  choice: "Answer with the option's letter from the given choices directly.",
}

/** `instruction` is what is asked for after the question. @default depends on the scorer */
export function ownPrompt(
  { question, options }: OwnQuestion,
  scorer: FolderScorer,
  instruction = instructions[scorer],
): string {
  return [question, optionLines(options), instruction].filter((part) => part !== '').join('\n')
}

/** What was understood, and its worth between 0 and 1; null where nobody knows the right answer. */
export function scoreOwn(text: string, question: OwnQuestion, scorer: FolderScorer): Worth {
  const { value, parsed } = scorers[scorer](strip(text), { ...question, answers: question.answers ?? [] })
  return { value: question.answers === null ? null : value, parsed }
}

interface Worth {
  value: number | null
  parsed: string | null
}

type Known = OwnQuestion & { answers: readonly string[] }
type Scorer = (answer: string, question: Known) => { value: number; parsed: string | null }

const scorers: Record<FolderScorer, Scorer> = {
  exact: (answer, { answers }) => matching(answer, answers, (a, b) => a.toLowerCase() === b.toLowerCase()),
  relaxed: (answer, { answers }) => matching(answer, answers, relaxedMatch),
  math: (answer, { answers }) => matching(answer, answers, mathEqual),
  anls: (answer, { answers }) => ({ value: anls(answer, answers), parsed: answer.toLowerCase() || null }),
  choice: (answer, { answers, options }) => {
    const letters = lettered(options)
    const parsed = letters.has(answer.toUpperCase()) ? answer.toUpperCase() : inferOption(answer, letters)
    const right = answers.some((gold) => gold === parsed || gold === letters.get(parsed ?? ''))
    return { value: right ? 1 : 0, parsed: parsed ?? null }
  },
}

function matching(answer: string, answers: readonly string[], equal: (a: string, b: string) => boolean) {
  const right = answers.some((gold) => equal(answer, gold))
  return { value: right ? 1 : 0, parsed: answer.toLowerCase() || null }
}
