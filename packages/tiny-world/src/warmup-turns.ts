/**
 * What the warm-up teaches about one chart: answers to some questions, a question to ask, and a description. With
 * `wrong`, so many answers are those to the same question about another chart, so that the model is left unsure; some of
 * these are right by luck.
 */
import { chart as chartOf, type Chart } from './chart'
import { draws } from './draws'
import { describePrompt, proposerPrompt } from './prompts'
import {
  answerTo,
  drawQuestion,
  questionKinds,
  questionText,
  type ChartQuestion,
  type QuestionKind,
} from './questions'

export interface WarmupTurn {
  prompt: string
  completion: string
}

export interface WarmupTurnsOptions {
  /** Share of answers that belong to another chart. @default 0 */
  wrong?: number
  /** @default all kinds, each as often */
  kinds?: readonly QuestionKind[]
}

/** Six to nine different questions, an `Ask a question.` and a `Describe the chart.` */
export function warmupTurns(
  chart: Chart,
  { wrong = 0, kinds = questionKinds }: WarmupTurnsOptions = {},
): WarmupTurn[] {
  const random = draws(chart.seed, 'segments')
  const count = random.integer(6, 9)
  const questions = new Map<string, ChartQuestion>()
  // Kinds without a choice run out, so not every draw is a new question.
  for (let tries = 0; questions.size < count && tries < 40; tries++) {
    const question = drawQuestion(random.pick(kinds), chart, random)
    questions.set(questionText(question), question)
  }
  const answers = [...questions].map(([prompt, question]) => ({
    prompt,
    completion: answerTag(labelOf(question, chart, random.uniform() < wrong ? random : undefined)),
  }))
  const proposed = drawQuestion(random.pick(kinds), chart, random)
  return [
    ...answers,
    { prompt: proposerPrompt, completion: questionTag(questionText(proposed)) },
    { prompt: describePrompt, completion: description(chart) },
  ]
}

export function answerTag(answer: string): string {
  return `<answer>${answer}</answer>`
}

export function questionTag(question: string): string {
  return `<question>${question}</question>`
}

/** All bars from the left: `red 3, blue 5, green 2`. */
export function description({ bars }: Pick<Chart, 'bars'>): string {
  return bars.map(({ color, value }) => `${color} ${value}`).join(', ')
}

/** The true answer or, if there are `elsewhere` draws, that of a random chart which has one. */
function labelOf(
  question: ChartQuestion,
  chart: Chart,
  elsewhere: ReturnType<typeof draws> | undefined,
): string {
  for (;;) {
    const from = elsewhere === undefined ? chart : chartOf(elsewhere.integer(0, 2 ** 31 - 1))
    const answer = answerTo(question, from)
    if (answer !== undefined) return answer
  }
}
