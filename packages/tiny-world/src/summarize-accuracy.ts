/** Means over questions, with intervals that know that questions about one chart belong together. */
import { mean } from '@evolmm/internal'
import type { Measure } from './measure-accuracy'

export interface Estimate {
  mean: number
  /** Half of the 95 % interval: 1.96 standard errors of the mean, with the charts as independent clusters. */
  margin: number
}

export type MeanAccuracy<M extends string = Measure> = Record<M, Estimate> & {
  /** The number of questions that were asked. */
  count: number
}

/** What was measured of a question: numbers by name, with the seed of its chart and its kind. */
type Result<M extends string> = Record<M, number> & { chart: number; kind: string }

/** The means are over all questions, and over those of each kind that occurs. At least one question is needed. */
export function summarizeAccuracy<R extends Result<never>>(
  results: readonly R[],
): {
  all: MeanAccuracy<Exclude<keyof R & string, 'chart' | 'kind'>>
  kinds: Partial<Record<R['kind'], MeanAccuracy<Exclude<keyof R & string, 'chart' | 'kind'>>>>
} {
  type M = Exclude<keyof R & string, 'chart' | 'kind'>
  const all = results as unknown as readonly Result<M>[]
  const kinds = [...new Set(all.map(({ kind }) => kind))].sort()
  const ofKind = (kind: string) => meanAccuracy(all.filter((result) => result.kind === kind))
  return {
    all: meanAccuracy(all),
    kinds: Object.fromEntries(kinds.map((kind) => [kind, ofKind(kind)])) as Partial<
      Record<R['kind'], MeanAccuracy<M>>
    >,
  }
}

function meanAccuracy<M extends string>(results: readonly Result<M>[]): MeanAccuracy<M> {
  const measures = Object.keys(results[0]).filter((name) => name !== 'chart' && name !== 'kind') as M[]
  const estimates = measures.map((measure) => [measure, estimate(results, measure)] as const)
  return { count: results.length, ...(Object.fromEntries(estimates) as Record<M, Estimate>) }
}

function estimate<M extends string>(results: readonly Result<M>[], measure: M): Estimate {
  const center = mean(results.map((result) => result[measure]))
  const residuals = new Map<number, number>()
  for (const result of results)
    residuals.set(result.chart, (residuals.get(result.chart) ?? 0) + result[measure] - center)
  const clusters = residuals.size
  const squares = [...residuals.values()].reduce((sum, residual) => sum + residual ** 2, 0)
  const variance = (squares * clusters) / Math.max(1, clusters - 1) / results.length ** 2
  return { mean: center, margin: 1.96 * Math.sqrt(variance) }
}
