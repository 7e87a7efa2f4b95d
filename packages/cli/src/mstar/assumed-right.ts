/** The share of right answers, which decides how many cycles a run of M-STaR has, and which nobody knows before. */
import { number } from '@evolmm/settings'

export const assumedRight = number(0.5, 'share of right answers that a plan takes for granted', {
  above: 0,
  max: 1,
  identity: false,
})
