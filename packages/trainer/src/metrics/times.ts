/** Wall time of an iteration. */
import type { Metric } from '@evolmm/runs'
import type { IterationRecord, PhaseSeconds } from '../record'

const meanings: Readonly<Record<keyof PhaseSeconds, string>> = {
  total: 'wall time',
  encode: 'time of encoding images',
  propose: 'time of asking',
  solve: 'time of answering',
  learn: 'time of updates',
  probe: 'time of the evaluation probe',
}

export const timeMetrics: readonly Metric<IterationRecord>[] = Object.entries(meanings).map(
  ([phase, meaning]) => ({
    name: `seconds/${phase}`,
    meaning,
    read: ({ seconds }) => seconds[phase as keyof PhaseSeconds],
  }),
)
