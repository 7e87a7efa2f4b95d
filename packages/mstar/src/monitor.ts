/** What M-STaR watches on validation questions after each cycle. */
import { checkList, checkObject, mean } from '@evolmm/internal'
import { passAtK } from '@evolmm/eval'
import type { Answer } from '@evolmm/rewards'
import { weightedVote } from './weighted-vote'

export interface MonitoredAnswer {
  right: boolean
  reading: Answer
  /** The number of times that the answer was drawn. */
  count: number
  /** The score of the reward model; null without one. */
  score: number | null
  tokens: number
  steps: number
}

export interface MonitoredQuestion {
  /** True if the greedy answer is right. */
  greedy: boolean
  /** The distinct answers that were drawn. */
  answers: readonly MonitoredAnswer[]
}

export interface Dynamics {
  questions: number
  greedy: number
  /** The map has pass@k, without bias, for k of 1, 2, 4 and so on up to the number of answers. */
  pass: ReadonlyMap<number, number>
  /** The headroom is pass@k at the largest k, less `greedy`: what exploring could still find. */
  headroom: number
  /** Share of questions with a right one among the two answers of the highest scores; NaN without scores. */
  rewardPass2: number
  majority: number
  /** The same where an answer counts by its score; NaN without scores. */
  weightedMajority: number
  /** Means over all answers that were drawn. */
  tokens: number
  steps: number
  /** Shares of questions none or all of whose answers are right. */
  noneRight: number
  allRight: number
}

/** Every question has the same number of answers, at least one. Throws `INVALID_OPTION`. */
export function dynamics(questions: readonly MonitoredQuestion[]): Dynamics {
  checkList('questions', questions)
  for (const [q, question] of questions.entries()) {
    checkObject(`questions[${q}]`, question)
    checkList(`questions[${q}].answers`, question.answers)
  }
  const each = questions.map(({ answers }) => numbersOf(answers))
  const drawn = Math.max(1, ...each.map(({ count }) => count))
  const greedy = mean(questions.map((question) => Number(question.greedy)))
  const pass = new Map(
    powersUpTo(drawn).map((k) => [
      k,
      mean(each.map(({ count, right }) => passAtK(count, right, Math.min(k, count)))),
    ]),
  )
  const total = each.reduce((sum, { count }) => sum + count, 0)
  const meanOf = (name: 'tokens' | 'steps') => each.reduce((sum, one) => sum + one[name], 0) / total
  return {
    questions: questions.length,
    greedy,
    pass,
    headroom: (pass.get(drawn) ?? NaN) - greedy,
    rewardPass2: mean(questions.map(({ answers }) => rewardPass(answers, 2))),
    majority: mean(questions.map(({ answers }) => voted(answers, () => 1))),
    weightedMajority: mean(questions.map(({ answers }) => voted(answers, ({ score }) => score ?? NaN))),
    tokens: meanOf('tokens'),
    steps: meanOf('steps'),
    noneRight: mean(each.map(({ right }) => Number(right === 0))),
    allRight: mean(each.map(({ count, right }) => Number(right === count))),
  }
}

function numbersOf(answers: readonly MonitoredAnswer[]) {
  const sum = (worth: (answer: MonitoredAnswer) => number) =>
    answers.reduce((all, answer) => all + answer.count * worth(answer), 0)
  return {
    count: sum(() => 1),
    right: sum(({ right }) => Number(right)),
    tokens: sum(({ tokens }) => tokens),
    steps: sum(({ steps }) => steps),
  }
}

/** 1, 2, 4, … and the number itself. */
function powersUpTo(n: number): number[] {
  const powers: number[] = []
  for (let k = 1; k < n; k *= 2) powers.push(k)
  return [...powers, n]
}

/** 1 if a right answer is among the `k` distinct ones of the highest scores; NaN without scores. */
function rewardPass(answers: readonly Pick<MonitoredAnswer, 'right' | 'score'>[], k: number): number {
  if (answers.some(({ score }) => score === null)) return NaN
  const ranked = [...answers].sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
  return Number(ranked.slice(0, k).some(({ right }) => right))
}

/** 1 if the vote is right; NaN where weights are not known. */
function voted(answers: readonly MonitoredAnswer[], weightOf: (answer: MonitoredAnswer) => number): number {
  const weights = answers.map(weightOf)
  if (weights.some(Number.isNaN)) return NaN
  const winner = weightedVote(
    answers.map(({ reading, count }, i) => ({ reading, count, weight: weights[i] })),
  )
  return Number(answers.some(({ reading, right }) => reading !== null && reading === winner && right))
}
