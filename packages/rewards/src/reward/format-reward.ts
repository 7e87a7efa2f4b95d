/** The format gate: multiply a solver reward by it. */
import type { SolverSample } from './reward'

/** 1 for an output with exactly one non-empty `<answer>…</answer>`, else 0. It is itself a `Reward<SolverSample>`. */
export function formatReward(batch: readonly Pick<SolverSample, 'wellFormed'>[]): number[] {
  return batch.map(({ wellFormed }) => (wellFormed ? 1 : 0))
}
