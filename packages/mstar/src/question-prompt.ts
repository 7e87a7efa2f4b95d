/** What is asked about a question, with its options in lines of their own. */
import { lettered } from '@evolmm/rewards'
import type { LabelledQuestion } from '@evolmm/dataset'
import type { MstarSettings } from './settings'

const reasoned = `{question}

Think step by step: write each step in a line of its own. End with the line "The answer is …", with a letter where there are options.`

const explained = `{question}

The right answer is {answer}. Explain step by step how it comes about: write each step in a line of its own, as if you did not know the answer. End with the line "The answer is {answer}."`

/** What asks for a rationale of the answer that is given; a question without an answer is asked as it is. */
export function rationalePrompt(
  settings: Pick<MstarSettings, 'question_prompt' | 'rationale_prompt'>,
): (question: LabelledQuestion) => string {
  const plain = questionPrompt(settings)
  return (question) => {
    const answer = question.answers?.at(0)
    if (answer === undefined) return plain(question)
    const stands = { question: withOptions(question), answer }
    const text = settings.rationale_prompt ?? explained
    return text.replaceAll(/\{(question|answer)\}/g, (_, name: 'question' | 'answer') => stands[name])
  }
}

/** The prompt for which a completion with the right answer is no reasoning, but may be learned from. */
export function questionPrompt({
  question_prompt: own,
}: Pick<MstarSettings, 'question_prompt'>): (question: LabelledQuestion) => string {
  return ({ question, options }) => {
    if (typeof own === 'function') return own({ question, options })
    return (own ?? reasoned).replaceAll('{question}', () => withOptions({ question, options }))
  }
}

/** A question, and below it its options with their letters. */
export function withOptions({ question, options }: Pick<LabelledQuestion, 'question' | 'options'>): string {
  const lines = [...lettered(options)].map(([letter, text]) => `(${letter}) ${text}`)
  return [question, ...lines].join('\n')
}
