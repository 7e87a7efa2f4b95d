/** All texts that the warm-up can hold, each once, and the words around them in a prompt. */
import { colors } from '../chart'
import { describePrompt, proposerPrompt } from '../prompts'
import { allQuestions, questionText } from '../questions'
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
