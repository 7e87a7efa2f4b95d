/** Whatever takes gradients of a policy: our own programs (`Vlm`). */
import type { Gradient, GradientOptions } from './types'

export interface Learner {
  /** One gradient for all groups, in the layout of the adapter's parameters. */
  gradient: (options: GradientOptions) => Promise<Gradient>
}
