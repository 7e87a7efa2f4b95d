/**
 * Charts for different purposes never meet: each purpose has a range of seeds of its own. The charts of a purpose are
 * those of seeds `start`, `start + 1`, ... below `end`.
 */
import { checkInteger } from '@evolmm/internal'
import { chart, twoBarChart, type Chart } from './chart'

const range = 1e9

export const splits = {
  /** Labelled charts for the warm-up. */
  warmup: { start: 0, end: range },
  /** Charts without labels, for self-evolution. */
  evolve: { start: range, end: 2 * range },
  /** Labelled charts to choose hyper-parameters on. */
  tune: { start: 2 * range, end: 3 * range },
  /** Labelled charts for what is reported. */
  test: { start: 3 * range, end: 4 * range },
  /** Charts of two bars, which nothing is ever learned from. */
  twoBars: { start: 4 * range, end: 5 * range },
  /** Charts for questions that nothing is ever learned from. */
  otherKinds: { start: 5 * range, end: 6 * range },
} as const

export type Split = keyof typeof splits

/** Chart number `index` of a purpose. */
export function splitChart(split: Split, index: number): Chart {
  checkInteger('index', index, { min: 0, below: range })
  return (split === 'twoBars' ? twoBarChart : chart)(splits[split].start + index)
}
