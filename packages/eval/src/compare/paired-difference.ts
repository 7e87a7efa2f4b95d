/**
 * A paired difference says how much better the second of two runs is on the same rows. The interval is the normal one
 * for the mean of paired differences, mean ± 1.96 s / √n with the sample's standard deviation s; the sign test is the
 * exact two-sided one over the rows that differ.
 */
import { mean } from '@evolmm/internal'
import { EvolmmError } from '../errors'

export interface PairedDifference {
  /** The number of pairs that are compared. */
  rows: number
  /** Means of the two sides. */
  first: number
  second: number
  /** `second - first` */
  difference: number
  /** Ends of the 95 % interval of the difference; null for fewer than two pairs. */
  low: number | null
  high: number | null
  /** Rows on which the second is better, and worse. */
  wins: number
  losses: number
  /** Probability of as uneven a split of wins and losses, or a more uneven one, if both were equally likely. */
  signTest: number
}

/** The 97.5 % quantile of the normal distribution. */
const z = 1.959963984540054

export function pairedDifference(first: readonly number[], second: readonly number[]): PairedDifference {
  const n = first.length
  if (n === 0 || second.length !== n)
    throw new EvolmmError(
      'INVALID_PAIRS',
      `pairs: must be as many values on both sides and at least one, got ${n} and ${second.length}; pass the same rows`,
      { details: { first: n, second: second.length } },
    )
  const differences = first.map((value, i) => second[i] - value)
  const difference = mean(differences)
  const wins = differences.filter((value) => value > 0).length
  const losses = differences.filter((value) => value < 0).length
  const variance = differences.reduce((sum, value) => sum + (value - difference) ** 2, 0) / (n - 1)
  const half = z * Math.sqrt(variance / n)
  return {
    rows: n,
    first: mean(first),
    second: mean(second),
    difference,
    low: n > 1 ? difference - half : null,
    high: n > 1 ? difference + half : null,
    wins,
    losses,
    signTest: signTest(wins, losses),
  }
}

/** Twice the tail of the binomial distribution with p = 1/2, at most 1; 1 without any difference. */
export function signTest(wins: number, losses: number): number {
  const n = wins + losses
  const smaller = Math.min(wins, losses)
  // In logarithms: 2^-n underflows from 1075 rows on.
  let logChoose = 0
  let tail = 0
  for (let k = 0; k <= smaller; k++) {
    tail += Math.exp(logChoose - n * Math.LN2)
    logChoose += Math.log((n - k) / (k + 1))
  }
  return Math.min(1, 2 * tail)
}
