/**
 * What the second warm-up teaches: to write down what is read, and then to answer from it. Two people give the examples. The careful
 * one begins at either end and reads every value right. The hasty one always begins at the left and reads every value
 * one too low, and so answers. So the likeliest beginning, and with it the greedy answer, is the hasty one's where they
 * are many enough, though most of the examples are right: a vote knows more than the greedy answer.
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
  const bars = who >= hasty && side < 0.5 ? seen.bars.slice().reverse() : seen.bars
  return `${description({ ...seen, bars })} ${answerTag(answerTo(question, seen) ?? '')}`
}

function lowered(chart: Chart): Chart {
  return { ...chart, bars: chart.bars.map((bar) => ({ ...bar, value: bar.value - 1 })) }
}
