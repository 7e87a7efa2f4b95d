/** What is asked about a question, with its options in lines of their own. */
import { lettered } from '@evolmm/rewards'
import type { LabelledQuestion } from '@evolmm/dataset'
import type { MstarSettings } from './settings'

const reasoned = `{question}

Think step by step: write each step in a line of its own. End with the line "The answer is …", with a letter where there are options.`

/** The prompt for which a completion with the right answer is no reasoning, but may be learned from. */
export function questionPrompt({
  question_prompt: own,
}: Pick<MstarSettings, 'question_prompt'>): (question: LabelledQuestion) => string {
  return ({ question, options }) => {
    if (typeof own === 'function') return own({ question, options })
    const lines = [...lettered(options)].map(([letter, text]) => `(${letter}) ${text}`)
    return (own ?? reasoned).replaceAll('{question}', () => [question, ...lines].join('\n'))
  }
}
