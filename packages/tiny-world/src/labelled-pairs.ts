/** Charts with questions and true answers, for measuring. */
import type { Chart } from './chart'
import { draws } from './draws'
import { answerTo, drawQuestion, questionKinds, questionText, type QuestionKind } from './questions'
import { splitChart, type Split } from './splits'

export interface LabelledPair {
  chart: Chart
  kind: QuestionKind
  question: string
  answer: string
}

export interface LabelledPairsOptions {
  split: Split
  /** Charts, from the first of the split. */
  charts: number
  /** Questions about each chart, of different kinds. @default 2 */
  questions?: number
  /** @default all kinds */
  kinds?: readonly QuestionKind[]
}

export function labelledPairs(options: LabelledPairsOptions): LabelledPair[] {
  const { split, charts, questions = 2, kinds = questionKinds } = options
  return Array.from({ length: charts }, (_, i) => splitChart(split, i)).flatMap((chart) => {
    const random = draws(chart.seed, 'questions')
    return random
      .shuffled(kinds)
      .slice(0, questions)
      .map((kind) => {
        const question = drawQuestion(kind, chart, random)
        const answer = answerTo(question, chart)
        if (answer === undefined) throw new Error(`internal: chart ${chart.seed} does not answer ${kind}`)
        return { chart, kind, question: questionText(question), answer }
      })
  })
}
