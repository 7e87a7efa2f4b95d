/** What one step was: plain data, the same for a run that was never interrupted and one that was resumed, `seconds` apart. */
export interface SftRecord {
  /** The number of the step, from 1. */
  step: number
  /** The loss before the step. */
  loss: number
  learningRate: number
  /** The norm before clipping. */
  gradientNorm: number
  /** `true` for a step that was left out, since its gradient was not finite. */
  skipped: boolean
  images: number
  answers: number
  /** Answer tokens that were learned from. */
  tokens: number
  /** The wall time of the step. */
  seconds: number
}
