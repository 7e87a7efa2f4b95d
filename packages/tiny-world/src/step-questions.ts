/**
 * Questions that take two or three steps: reading bars, and putting together what was read. The text is the only form of a
 * question, as of those that take one.
 */
import { colors, type Bar, type Chart, type Color } from './chart'
import { draws, type Draws } from './draws'
import { splitChart, type Split } from './splits'

/** What is taught and learned. */
export const stepKinds = ['sum', 'difference', 'larger', 'spread', 'taller'] as const
/** What is asked of a model that has learned the others. */
export const otherStepKinds = ['ends', 'lower'] as const
export type StepKind = (typeof stepKinds)[number] | (typeof otherStepKinds)[number]

export type StepQuestion =
  | { kind: 'sum' | 'difference'; colors: readonly [Color, Color] }
  | { kind: 'larger'; colors: readonly [Color, Color, Color] }
  | { kind: 'spread' | 'ends' }
  | { kind: 'taller' | 'lower'; colors: readonly [Color] }

export function stepQuestionText(question: StepQuestion): string {
  switch (question.kind) {
    case 'sum':
    case 'difference':
      return `What is the ${question.kind} of ${question.colors[0]} and ${question.colors[1]}?`
    case 'larger':
      return `Is the sum of ${question.colors[0]} and ${question.colors[1]} larger than ${question.colors[2]}?`
    case 'spread':
      return 'How much taller is the tallest bar than the lowest bar?'
    case 'ends':
      return 'What is the sum of the tallest bar and the lowest bar?'
    case 'taller':
    case 'lower':
      return `How many bars are ${question.kind} than the ${question.colors[0]} bar?`
  }
}

/** Every question there is about any chart. */
export const allStepQuestions: readonly StepQuestion[] = [
  ...(['spread', 'ends'] as const).map((kind) => ({ kind })),
  ...colors.flatMap((color) =>
    (['taller', 'lower'] as const).map((kind) => ({ kind, colors: [color] as const })),
  ),
  ...pairs().flatMap((two) => (['sum', 'difference'] as const).map((kind) => ({ kind, colors: two }))),
  ...pairs().flatMap(([one, other]) =>
    colors
      .filter((color) => color !== one && color !== other)
      .map((third) => ({ kind: 'larger' as const, colors: [one, other, third] as const })),
  ),
]

function pairs(): (readonly [Color, Color])[] {
  return colors.flatMap((one) => colors.flatMap((other) => (one === other ? [] : [[one, other] as const])))
}

const byText = new Map(allStepQuestions.map((question) => [stepQuestionText(question), question]))

/** `undefined` for a text that is none of these questions. Space around it does not count. */
export function parseStepQuestion(text: string): StepQuestion | undefined {
  return byText.get(text.trim())
}

/**
 * The bars that must be read, in the order in which the question names them; the tallest comes before the lowest. `undefined`
 * if the chart lacks one of them.
 */
export function barsAsked(question: StepQuestion, { bars }: Pick<Chart, 'bars'>): Bar[] | undefined {
  const byValue = [...bars].sort((a, b) => b.value - a.value)
  switch (question.kind) {
    case 'spread':
    case 'ends':
      return [byValue[0], byValue[byValue.length - 1]]
    case 'taller':
    case 'lower': {
      const named = bars.find(({ color }) => color === question.colors[0])
      return named && [named, ...bars.filter((bar) => bar !== named)]
    }
    default: {
      const named = question.colors.flatMap((color) => bars.find((bar) => bar.color === color) ?? [])
      return named.length === question.colors.length ? named : undefined
    }
  }
}

/** The true answer; `undefined` if the chart lacks a bar that is asked about. */
export function stepAnswer(question: StepQuestion, chart: Pick<Chart, 'bars'>): string | undefined {
  const values = barsAsked(question, chart)?.map(({ value }) => value)
  if (values === undefined) return undefined
  const [a, b, c] = values
  switch (question.kind) {
    case 'sum':
    case 'ends':
      return String(a + b)
    case 'difference':
    case 'spread':
      return String(Math.abs(a - b))
    case 'larger':
      return a + b > c ? 'yes' : 'no'
    case 'taller':
      return String(values.filter((value) => value > a).length)
    case 'lower':
      return String(values.filter((value) => value < a).length)
  }
}

export interface AskedChart {
  chart: Chart
  kind: StepKind
  question: string
  answer: string
  /** What there is to choose from, the answer among them; empty where it is free. */
  options: readonly string[]
}

export interface AskChartsOptions {
  split: Split
  /** Charts of the split. */
  charts: number
  /** The first of them. @default 0 */
  first?: number
  /** Questions about each chart, of different kinds. @default 2 */
  questions?: number
  /** @default what is taught and learned */
  kinds?: readonly StepKind[]
}

/** Questions with true answers; half of them have options. The same for the same options. */
export function askCharts(options: AskChartsOptions): AskedChart[] {
  const { split, charts, first = 0, questions = 2, kinds = stepKinds } = options
  return Array.from({ length: charts }, (_, i) => splitChart(split, first + i)).flatMap((chart) => {
    const random = draws(chart.seed, 'stepQuestions')
    return random
      .shuffled(kinds.filter((kind) => kind !== 'larger' || chart.bars.length > 2))
      .slice(0, questions)
      .map((kind) => askChart(kind, chart, random))
  })
}

/** A question of that kind that the chart answers. */
export function askChart(kind: StepKind, chart: Chart, random: Draws): AskedChart {
  const question = drawStepQuestion(kind, chart, random)
  const answer = stepAnswer(question, chart)
  if (answer === undefined) throw new Error(`internal: chart ${chart.seed} does not answer ${kind}`)
  const options =
    kind === 'larger'
      ? ['yes', 'no']
      : random.uniform() < 3 / 8
        ? numbersAround(answer, largest(kind, chart), random)
        : []
  return { chart, kind, question: stepQuestionText(question), answer, options }
}

function drawStepQuestion(kind: StepKind, chart: Chart, { shuffled, uniform }: Draws): StepQuestion {
  const [one, other, third] = shuffled(chart.bars.map(({ color }) => color))
  switch (kind) {
    case 'spread':
    case 'ends':
      return { kind }
    case 'taller':
    case 'lower':
      return { kind, colors: [one] }
    case 'sum':
    case 'difference':
      return { kind, colors: [one, other] }
    case 'larger': {
      // Two bars together are seldom lower than a third, so that one is often the tallest.
      const tallest = chart.bars.reduce((best, bar) => (bar.value > best.value ? bar : best)).color
      const [a, b] = [one, other, third].filter((color) => color !== tallest)
      return { kind, colors: uniform() < 0.7 ? [a, b, tallest] : [one, other, third] }
    }
  }
}

/** The number and two near it in random order, of which none is absurd. */
function numbersAround(answer: string, largest: number, { shuffled }: Draws): string[] {
  const near = [-3, -2, -1, 1, 2, 3]
    .map((by) => Number(answer) + by)
    .filter((value) => value >= 0 && value <= largest)
  return shuffled([answer, ...shuffled(near).slice(0, 2).map(String)])
}

/** The largest answer that can be. */
function largest(kind: StepKind, { bars }: Chart): number {
  if (kind === 'taller' || kind === 'lower') return bars.length - 1
  return kind === 'difference' || kind === 'spread' ? 8 : 17
}
