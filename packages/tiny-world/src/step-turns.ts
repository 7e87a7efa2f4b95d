/**
 * What a start for M-STaR is taught: to answer at once when it is asked, and to write down steps when it is told the answer and
 * asked why. With `wrong`, so many of these rationales are bad examples: bars are misread, and then half of them come to
 * what follows from that, right or wrong, and half say the given answer all the same.
 */
import type { Bar, Chart } from './chart'
import { draws, type Draws } from './draws'
import { filledPrompt } from './filled-prompt'
import { describePrompt, proposerPrompt } from './prompts'
import { stepQuestionPrompt, stepRationalePrompt } from './step-prompts'
import {
  askChart,
  barsAsked,
  parseStepQuestion,
  stepAnswer,
  stepKinds,
  type AskedChart,
  type StepQuestion,
} from './step-questions'
import { description, questionTag, type WarmupTurn } from './warmup-turns'

export interface StepTurnsOptions {
  /** Share of the rationales that are bad examples. @default 0 */
  wrong?: number
  /** Share of the answers with steps before them though nothing but the question was given. @default 0 */
  reasoned?: number
}

/** Three questions, two of them explained too, an `Ask a question.` and a `Describe the chart.` */
export function stepTurns(chart: Chart, { wrong = 0, reasoned = 0 }: StepTurnsOptions = {}): WarmupTurn[] {
  const random = draws(chart.seed, 'stepTurns')
  const [proposed, ...asked] = random
    .shuffled(stepKinds)
    .slice(0, 4)
    .map((kind) => askChart(kind, chart, random))
  const example = (about: AskedChart) => {
    const isWrong = random.uniform() < wrong
    return rationale(about, isWrong ? random : undefined)
  }
  return [
    ...asked.map((about) => ({
      prompt: filledPrompt(stepQuestionPrompt, about),
      completion: random.uniform() < reasoned ? example(about) : answerLine(about.answer),
    })),
    ...asked
      .slice(1)
      .map((about) => ({ prompt: filledPrompt(stepRationalePrompt, about), completion: example(about) })),
    { prompt: proposerPrompt, completion: questionTag(proposed.question) },
    { prompt: describePrompt, completion: description(chart) },
  ]
}

/** The lines of a true rationale or, with draws, of a bad example. */
function rationale({ chart, question: text, answer }: AskedChart, bad?: Draws): string {
  const question = parseStepQuestion(text)
  if (question === undefined) throw new Error(`internal: no question: ${text}`)
  const seen = bad === undefined ? chart : misread(question, chart, bad)
  const said = bad === undefined || bad.uniform() < 0.5 ? stepAnswer(question, seen) : answer
  return [...steps(question, seen), answerLine(said ?? answer)].join('\n')
}

function answerLine(answer: string): string {
  return `The answer is ${answer}.`
}

function steps(question: StepQuestion, seen: Pick<Chart, 'bars'>): string[] {
  const asked = barsAsked(question, seen) ?? []
  const read = ({ color, value }: Bar) => `${color} is ${value}.`
  const [a, b, c] = asked.map(({ value }) => value)
  switch (question.kind) {
    case 'sum':
    case 'ends':
      return [...asked.map(read), `${a} + ${b} = ${a + b}.`]
    case 'difference':
    case 'spread':
      return [...asked.map(read), `${Math.max(a, b)} - ${Math.min(a, b)} = ${Math.abs(a - b)}.`]
    case 'larger': {
      const sign = a + b > c ? '>' : a + b < c ? '<' : '='
      return [
        ...asked.slice(0, 2).map(read),
        `${a} + ${b} = ${a + b}.`,
        read(asked[2]),
        `${a + b} ${sign} ${c}.`,
      ]
    }
    case 'taller':
    case 'lower':
      return asked.map(read)
  }
}

/** One or two of the bars that are asked about, a step or two higher or lower than they are. */
function misread(question: StepQuestion, chart: Chart, { shuffled, integer, pick }: Draws): Chart {
  const asked = barsAsked(question, chart) ?? []
  const wrong = new Set(shuffled(asked).slice(0, integer(1, 2)))
  const bars = chart.bars.map((bar) => {
    if (!wrong.has(bar)) return bar
    const near = [-2, -1, 1, 2].map((by) => bar.value + by).filter((value) => value >= 1 && value <= 9)
    return { ...bar, value: pick(near) }
  })
  return { ...chart, bars }
}
