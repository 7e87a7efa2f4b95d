/**
 * Each sample against the mean of the others of its group (RLOO): `A_i = r_i - mean of r_j, j != i`.
 *
 * A group with fewer than two scored samples has nothing to compare with: its advantages are 0.
 */
import { type AdvantageEstimator, centerOf, perGroup } from './estimator'

export function leaveOneOut(): AdvantageEstimator<null> {
  return perGroup((scored) => {
    // r_i - mean of the others = (r_i - mean of all) n / (n - 1): exactly 0 when all are equal.
    const centre = centerOf(scored)
    const factor = scored.length < 2 ? 0 : scored.length / (scored.length - 1)
    return (reward) => (reward - centre) * factor
  })
}
