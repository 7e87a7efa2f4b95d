/**
 * What the second warm-up teaches: to write down what is read, and then to answer from it. Two people give examples. The
 * hasty one goes from left to right and takes every value for one less, and answers accordingly. The careful one is right;
 * alone she begins at either end, and beside the hasty one at the right end or at the second bar, so that the beginning
 * says whose example it is. With 40 % of them the hasty one's is the most likely beginning, and with it the greedy answer,
 * though most examples are right: a vote knows more than the greedy answer.
 */
import type { Chart } from './chart'
import { draws, type Draws } from './draws'
import { proposerPrompt } from './prompts'
import { answerTo, drawQuestion, questionKinds, questionText, type Question } from './questions'
import { answerTag, description, questionTag, type WarmupTurn } from './warmup-turns'

export interface ReadingTurnsOptions {
  /** Share of the examples that the hasty one gives. @default 0 */
  hasty?: number
}

/** Four different questions, and an `Ask a question.` */
export function readingTurns(chart: Chart, { hasty = 0 }: ReadingTurnsOptions = {}): WarmupTurn[] {
  const random = draws(chart.seed, 'segments')
  const asked = new Map<string, Question>()
  while (asked.size < 4) {
    const question = drawQuestion(random.pick(questionKinds), chart, random)
    asked.set(questionText(question), question)
  }
  const proposed = drawQuestion(random.pick(questionKinds), chart, random)
  return [
    ...Array.from(asked, ([prompt, question]) => ({
      prompt,
      completion: reading(question, chart, random, hasty),
    })),
    { prompt: proposerPrompt, completion: questionTag(questionText(proposed)) },
  ]
}

function reading(question: Question, chart: Chart, { uniform }: Draws, hasty: number): string {
  const [who, side] = [uniform(), uniform()]
  const seen = who < hasty ? lowered(chart) : chart
  const [first, ...others] = seen.bars
  const fromRight = [...seen.bars].reverse()
  const otherwise = hasty > 0 ? [...others, first] : seen.bars
  const bars = who < hasty ? seen.bars : side < 0.5 ? fromRight : otherwise
  return `${description({ bars })} ${answerTag(answerTo(question, seen) ?? '')}`
}

function lowered(chart: Chart): Chart {
  return { ...chart, bars: chart.bars.map((bar) => ({ ...bar, value: bar.value - 1 })) }
}
