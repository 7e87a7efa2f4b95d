/**
 * Probability that of `k` samples at least one is right, estimated without bias from `n` samples of which `correct` are
 * right: 1 - C(n - c, k) / C(n, k) (Chen et al., "Evaluating large language models trained on code", 2021).
 */
import { checkInteger } from '@evolmm/internal'

export function passAtK(n: number, correct: number, k: number): number {
  checkInteger('n', n, { min: 1 })
  checkInteger('correct', correct, { min: 0, max: n })
  checkInteger('k', k, { min: 1, max: n })
  let none = 1
  for (let i = 0; i < k; i++) none *= Math.max(0, n - correct - i) / (n - i)
  return 1 - none
}
