/**
 * Probability that the most frequent answer among `k` samples is right, estimated without bias from `n` samples: the
 * mean over all C(n, k) sub-sets, where answers that tie for first share the vote.
 *
 * The sub-sets are counted, not listed. For an answer with `t` votes the others hold `k - t` votes, none more than `t`;
 * a polynomial product over the other answers counts these by how many of them have `t` votes too.
 */
import { checkInteger, checkNumber } from '@evolmm/internal'

/** Samples that gave the same answer. */
export interface AnswerCount {
  /** The number of answers in the group. */
  count: number
  /** What the answer is worth: 1 if right, 0 if wrong. */
  correct: number
}

export function majorityAtK(answers: readonly AnswerCount[], k: number): number {
  const n = answers.reduce((sum, { count }) => sum + checkInteger('count', count, { min: 1 }), 0)
  checkInteger('k', k, { min: 1, max: n })
  const choose = binomials(n)
  let sum = 0
  for (const [i, { count, correct }] of answers.entries()) {
    checkNumber('correct', correct)
    if (correct === 0) continue
    const others = answers.filter((_, j) => j !== i)
    for (let votes = 1; votes <= Math.min(count, k); votes++)
      sum += correct * choose(count, votes) * wonSubsets(others, votes, k - votes, choose)
  }
  return sum / choose(n, k)
}

type Choose = (n: number, k: number) => number

/** Ways to take `left` samples of the others with at most `votes` of each, divided by the number of answers that tie. */
function wonSubsets(others: readonly AnswerCount[], votes: number, left: number, choose: Choose): number {
  // ways[ties][taken]
  let ways = [[1, ...Array<number>(left).fill(0)]]
  for (const { count } of others) {
    const next = Array.from({ length: ways.length + 1 }, () => Array<number>(left + 1).fill(0))
    for (const [ties, row] of ways.entries())
      for (const [taken, number] of row.entries()) {
        if (number === 0) continue
        for (let of = 0; of <= Math.min(count, votes, left - taken); of++)
          next[ties + (of === votes ? 1 : 0)][taken + of] += number * choose(count, of)
      }
    ways = next
  }
  return ways.reduce((sum, row, ties) => sum + row[left] / (ties + 1), 0)
}

/** Binomial coefficients up to n. */
function binomials(n: number): Choose {
  const rows = [[1]]
  for (let m = 1; m <= n; m++)
    rows.push(Array.from({ length: m + 1 }, (_, k) => (rows[m - 1][k] ?? 0) + (rows[m - 1][k - 1] ?? 0)))
  return (m, k) => rows[m][k] ?? 0
}
