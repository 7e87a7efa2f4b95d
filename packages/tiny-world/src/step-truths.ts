/**
 * What is true of a rationale about a chart, step by step. A step is a line, and is one of four things, with or without a
 * stop, in any case and spacing:
 *
 * | step              | true if                                                                                     |
 * | ----------------- | ------------------------------------------------------------------------------------------- |
 * | `red is 3`        | the chart has a red bar of that height                                                      |
 * | `3 + 5 = 8`       | the sum (or difference) is right, and each number stands for something                      |
 * | `8 > 5`           | so it is (`>`, `<` or `=`), and each number stands for something                             |
 * | `The answer is 8` | it is the true answer                                                                       |
 *
 * A number stands for something if it is the height of a bar that was read truly before, each bar once in a step, or the
 * result of a true step. So what is reckoned from a wrong reading is false, though its arithmetic is right, and a right
 * answer by luck has false steps before it. A line that is none of the four is not true.
 */
import { colors, type Chart } from './chart'
import { barsAsked, stepAnswer, type StepQuestion } from './step-questions'

export interface StepTruth {
  isTrue: boolean
  /** True where the step serves the question: it reads a bar that is asked about, reckons as the question asks, or answers. */
  isRelevant: boolean
}

/** Longer lines and later ones are not read. */
const longest = 80
const most = 64

/** One for each line that holds something, in their order. */
export function stepTruths(text: string, question: StepQuestion, chart: Pick<Chart, 'bars'>): StepTruth[] {
  const known: Known = { read: new Map(), results: new Set() }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      const step = i < most && line.length <= longest ? parseStep(line) : undefined
      return step === undefined
        ? { isTrue: false, isRelevant: false }
        : truthOf(step, { question, chart, known })
    })
}

type Step =
  | { kind: 'reading'; color: string; value: number }
  | { kind: 'sum'; sign: '+' | '-'; numbers: readonly [number, number]; result: number }
  | { kind: 'order'; sign: '>' | '<' | '='; numbers: readonly [number, number] }
  | { kind: 'answer'; answer: string }

const reading = new RegExp(`^(?:the )?(${colors.join('|')})(?: bar)? (?:is|=) (\\d{1,3})$`)
const sum = /^(\d{1,3}) ?([+-]) ?(\d{1,3}) ?= ?(\d{1,3})$/
const order = /^(\d{1,3}) ?([<>=]) ?(\d{1,3})$/
const stated = /^(?:the )?answer is (\w+)$/

function parseStep(line: string): Step | undefined {
  const plain = line.trim().toLowerCase().replace(/\s+/g, ' ').replace(/ ?\.$/, '')
  const read = reading.exec(plain)
  if (read) return { kind: 'reading', color: read[1], value: Number(read[2]) }
  const added = sum.exec(plain)
  if (added)
    return {
      kind: 'sum',
      sign: added[2] as '+' | '-',
      numbers: [Number(added[1]), Number(added[3])],
      result: Number(added[4]),
    }
  const ordered = order.exec(plain)
  if (ordered)
    return {
      kind: 'order',
      sign: ordered[2] as '>' | '<' | '=',
      numbers: [Number(ordered[1]), Number(ordered[3])],
    }
  const answer = stated.exec(plain)
  return answer ? { kind: 'answer', answer: answer[1] } : undefined
}

/** What the steps so far have found out. */
interface Known {
  /** Heights by colour, as they were read truly. */
  read: Map<string, number>
  results: Set<number>
}

interface About {
  question: StepQuestion
  chart: Pick<Chart, 'bars'>
  known: Known
}

function truthOf(step: Step, { question, chart, known }: About): StepTruth {
  const asked = barsAsked(question, chart) ?? []
  switch (step.kind) {
    case 'reading': {
      const isTrue = chart.bars.some(({ color, value }) => color === step.color && value === step.value)
      if (isTrue) known.read.set(step.color, step.value)
      return { isTrue, isRelevant: asked.some(({ color }) => color === step.color) }
    }
    case 'sum': {
      const [a, b] = step.numbers
      const isRight = (step.sign === '+' ? a + b : a - b) === step.result
      const isTrue = isRight && standForSomething(step.numbers, known)
      if (isTrue) known.results.add(step.result)
      const of = asked.slice(0, 2).map(({ value }) => value)
      const isRelevant = signs[question.kind] === step.sign && sameNumbers(step.numbers, of)
      return { isTrue, isRelevant }
    }
    case 'order': {
      const [a, b] = step.numbers
      const isRight = step.sign === '>' ? a > b : step.sign === '<' ? a < b : a === b
      return {
        isTrue: isRight && standForSomething(step.numbers, known),
        isRelevant: comparing.has(question.kind),
      }
    }
    case 'answer':
      return { isTrue: step.answer === stepAnswer(question, chart), isRelevant: true }
  }
}

/** A question puts the first two bars that it asks about together in this way. */
const signs: Readonly<Record<StepQuestion['kind'], '+' | '-' | undefined>> = {
  ...{ sum: '+', larger: '+', ends: '+' },
  ...{ difference: '-', spread: '-' },
  ...{ taller: undefined, lower: undefined },
}

const comparing: ReadonlySet<StepQuestion['kind']> = new Set(['larger', 'taller', 'lower'])

function sameNumbers(some: readonly number[], others: readonly number[]): boolean {
  const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b).join()
  return sorted(some) === sorted(others)
}

/** Two equal numbers need two bars of that height, or a result and a bar. */
function standForSomething([a, b]: readonly [number, number], { read, results }: Known): boolean {
  const sources = (value: number) =>
    [...read.values()].filter((height) => height === value).length + (results.has(value) ? 1 : 0)
  return a === b ? sources(a) >= 2 : sources(a) > 0 && sources(b) > 0
}
