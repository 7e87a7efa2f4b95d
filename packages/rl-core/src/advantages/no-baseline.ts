/** The reward itself as the advantage: plain REINFORCE, the control in an ablation. */
import { type AdvantageEstimator, perGroup } from './estimator'

export function noBaseline(): AdvantageEstimator<null> {
  return perGroup(() => (reward) => reward)
}
