/** All texts that the warm-up can hold, each once, and the words around them in a prompt. */
import { colors } from '../chart'
import { describePrompt, proposerPrompt } from '../prompts'
import { allQuestions, questionText } from '../questions'
import { stepQuestionPrompt, stepRationalePrompt } from '../step-prompts'
import { allStepQuestions, stepQuestionText } from '../step-questions'
import { answerTag, questionTag } from '../warmup-turns'

export function corpus(): string[] {
  const questions = allQuestions.map(questionText)
  const values = Array.from({ length: 9 }, (_, i) => String(i + 1))
  // What is written after a word, and what follows a number.
  const bars = colors.flatMap((color) => [`${color} `, `, ${color} `])
  return [
    'system\nYou are a helpful assistant.',
    'user\n',
    'assistant\n',
    proposerPrompt,
    describePrompt,
    ...questions,
    ...questions.map(questionTag),
    ...[...colors, ...values, 'yes', 'no'].map(answerTag),
    ...bars,
    ...bars.map((bar) => `${bar}<answer>`),
  ]
}

/** What the texts of a start for M-STaR hold besides. */
export function stepCorpus(): string[] {
  const questions = allStepQuestions.map(stepQuestionText)
  return [
    stepQuestionPrompt,
    stepRationalePrompt,
    ...questions.flatMap((question) => [`${question}\n`, questionTag(question)]),
    '(A) 1\n(B) 2\n(C) yes\n',
    ...[...colors, 'yes', 'no'].flatMap((word) => [`${word} is 1.\n`, `(A) ${word}`, `it is ${word}.`]),
    '1 + 1 = 2.\n2 - 1 = 1.\n2 > 1.\n1 < 2.\n',
    ...['1', 'yes', 'no'].map((answer) => `The answer is ${answer}.`),
  ]
}
