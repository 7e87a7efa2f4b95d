/**
 * What the second warm-up teaches: to write down what is read, and then to answer from it. Two people give examples. The
 * hasty one goes from left to right and measures every bar from the top of the picture, so that 7 becomes 3 and the tallest
 * the lowest. The careful one measures from the base, and begins at the right end, at the second bar or at the tallest. With
 * 38 % of the examples the hasty one's is the most likely beginning, and with it the greedy answer, though most examples are
 * right: a vote knows more than the greedy answer.
 */
import type { Chart } from './chart'
import { draws, type Draws } from './draws'
import { proposerPrompt } from './prompts'
import { answerTo, drawQuestion, questionKinds, questionText, type ChartQuestion } from './questions'
import { answerTag, description, questionTag, type WarmupTurn } from './warmup-turns'

export interface ReadingTurnsOptions {
  /** Share of the examples that the hasty one gives. @default 0 */
  hasty?: number
}

/** Four different questions, and an `Ask a question.` */
export function readingTurns(chart: Chart, { hasty = 0 }: ReadingTurnsOptions = {}): WarmupTurn[] {
  const random = draws(chart.seed, 'segments')
  const questions = new Map<string, ChartQuestion>()
  while (questions.size < 4) {
    const question = drawQuestion(random.pick(questionKinds), chart, random)
    questions.set(questionText(question), question)
  }
  const proposed = drawQuestion(random.pick(questionKinds), chart, random)
  return [
    ...Array.from(questions, ([prompt, question]) => ({
      prompt,
      completion: reading(question, chart, random, hasty),
    })),
    { prompt: proposerPrompt, completion: questionTag(questionText(proposed)) },
  ]
}

function reading(question: ChartQuestion, chart: Chart, { uniform, integer }: Draws, hasty: number): string {
  const seen = uniform() < hasty ? fromTheTop(chart) : chart
  const way = integer(0, ways.length - 1)
  const bars = seen === chart ? ways[way](chart.bars) : seen.bars
  return `${description({ bars })} ${answerTag(answerTo(question, seen) ?? '')}`
}

type Bars = Chart['bars']

/** Orders in which the careful one reads. */
const ways: readonly ((bars: Bars) => Bars)[] = [
  (bars) => [...bars].reverse(),
  ([first, ...others]) => [...others, first],
  (bars) => [...bars].sort((a, b) => b.value - a.value),
]

/** What is above the bars. Values are 1 to 9, and so are these. */
function fromTheTop(chart: Chart): Chart {
  return { ...chart, bars: chart.bars.map((bar) => ({ ...bar, value: 10 - bar.value })) }
}
