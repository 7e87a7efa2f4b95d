/** Means over questions, with intervals that know that questions about one chart belong together. */
import { mean } from '@evolmm/internal'
import { measures, type Measure, type PairAccuracy } from './measure-accuracy'
import type { QuestionKind } from './questions'

export interface Estimate {
  mean: number
  /** Half of the 95 % interval: 1.96 standard errors of the mean, with the charts as independent clusters. */
  margin: number
}

export type MeanAccuracy = Record<Measure, Estimate> & {
  /** The number of questions that were asked. */
  count: number
}

/** The means are over all questions, and over those of each kind that occurs. At least one question is needed. */
export function summarizeAccuracy(results: readonly PairAccuracy[]): {
  all: MeanAccuracy
  kinds: Partial<Record<QuestionKind, MeanAccuracy>>
} {
  const kinds = [...new Set(results.map(({ kind }) => kind))].sort()
  return {
    all: meanAccuracy(results),
    kinds: Object.fromEntries(
      kinds.map((kind) => [kind, meanAccuracy(results.filter((result) => result.kind === kind))]),
    ),
  }
}

function meanAccuracy(results: readonly PairAccuracy[]): MeanAccuracy {
  const estimates = measures.map((measure) => [measure, estimate(results, measure)] as const)
  return { count: results.length, ...(Object.fromEntries(estimates) as Record<Measure, Estimate>) }
}

function estimate(results: readonly PairAccuracy[], measure: Measure): Estimate {
  const center = mean(results.map((result) => result[measure]))
  const residuals = new Map<number, number>()
  for (const result of results)
    residuals.set(result.chart, (residuals.get(result.chart) ?? 0) + result[measure] - center)
  const clusters = residuals.size
  const squares = [...residuals.values()].reduce((sum, residual) => sum + residual ** 2, 0)
  const variance = (squares * clusters) / Math.max(1, clusters - 1) / results.length ** 2
  return { mean: center, margin: 1.96 * Math.sqrt(variance) }
}
