/** The format gate: multiply a solver reward by it. */
import type { Reward, SolverSample } from './reward'

/** 1 for an output with exactly one non-empty `<answer>…</answer>`, else 0. */
export function formatReward(): Reward<Pick<SolverSample, 'wellFormed'>> {
  return (batch) => batch.map(({ wellFormed }) => (wellFormed ? 1 : 0))
}
