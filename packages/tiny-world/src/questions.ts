/**
 * What can be asked about a chart, and the true answer. Texts are the only form of a question: `parseQuestion` finds out
 * what any text asks, so that also a question that a model wrote can be judged against the facts.
 */
import { colors, type Bar, type Chart, type Color } from './chart'
import type { Draws } from './draws'

export const questionKinds = ['count', 'tallest', 'lowest', 'pos', 'maxval', 'vpos', 'cpos', 'value'] as const
export type QuestionKind = (typeof questionKinds)[number]

/** Every chart has these. */
const places = ['first', 'second', 'third'] as const

export type ChartQuestion =
  | { kind: 'count' | 'tallest' | 'lowest' | 'maxval' }
  /** Places count the bars from 0, from the left. */
  | { kind: 'pos' | 'vpos'; place: number }
  | { kind: 'cpos'; place: number; other: number }
  | { kind: 'value'; color: Color }

export function questionText(question: ChartQuestion): string {
  switch (question.kind) {
    case 'count':
      return 'How many bars are there?'
    case 'tallest':
    case 'lowest':
      return `Which bar is the ${question.kind}?`
    case 'pos':
      return `Which color is the ${places[question.place]} bar?`
    case 'maxval':
      return 'What is the value of the tallest bar?'
    case 'vpos':
      return `What is the value of the ${places[question.place]} bar?`
    case 'cpos':
      return `Is the ${places[question.place]} bar taller than the ${places[question.other]} bar?`
    case 'value':
      return `What is the value of the ${question.color} bar?`
  }
}

/** Every question there is about any chart. */
export const allQuestions: readonly ChartQuestion[] = [
  ...(['count', 'tallest', 'lowest', 'maxval'] as const).map((kind) => ({ kind })),
  ...places.flatMap((_, place) => (['pos', 'vpos'] as const).map((kind) => ({ kind, place }))),
  ...places.flatMap((_, place) =>
    places.flatMap((__, other) => (place === other ? [] : [{ kind: 'cpos' as const, place, other }])),
  ),
  ...colors.map((color) => ({ kind: 'value' as const, color })),
]

const byText = new Map(allQuestions.map((question) => [questionText(question), question]))

/** `undefined` for a text that is none of our questions. Space around it does not count. */
export function parseQuestion(text: string): ChartQuestion | undefined {
  return byText.get(text.trim())
}

/** The true answer; `undefined` if the chart has no such bar, so that the question cannot be answered. */
export function answerTo(question: ChartQuestion, { bars }: Chart): string | undefined {
  const highest = (sign: number) =>
    bars.reduce((best, bar) => (sign * bar.value > sign * best.value ? bar : best))
  const at = (place: number): Bar | undefined => bars[place]
  switch (question.kind) {
    case 'count':
      return String(bars.length)
    case 'tallest':
      return highest(1).color
    case 'lowest':
      return highest(-1).color
    case 'pos':
      return at(question.place)?.color
    case 'maxval':
      return String(highest(1).value)
    case 'vpos':
      return at(question.place)?.value.toString()
    case 'cpos': {
      const [one, other] = [at(question.place), at(question.other)]
      return one && other && (one.value > other.value ? 'yes' : 'no')
    }
    case 'value':
      return bars.find(({ color }) => color === question.color)?.value.toString()
  }
}

/** A question of that kind that the chart answers. */
export function drawQuestion(kind: QuestionKind, { bars }: Chart, { pick, shuffled }: Draws): ChartQuestion {
  const order = places.map((_, place) => place)
  switch (kind) {
    case 'pos':
    case 'vpos':
      return { kind, place: pick(order) }
    case 'cpos': {
      const [place, other] = shuffled(order)
      return { kind, place, other }
    }
    case 'value':
      return { kind, color: pick(bars).color }
    default:
      return { kind }
  }
}
