/** Gradient rules, one for each operator that can be differentiated. `If` is handled by the walk itself. */
import type { GradientRule } from './rule'
import { convolution } from './convolution'
import { elementwise } from './elementwise'
import { indexing } from './indexing'
import { losses } from './losses'
import { matrix } from './matrix'
import { normalization } from './normalization'
import { reduction } from './reduction'
import { shaping } from './shaping'

export const gradientRules: ReadonlyMap<string, GradientRule> = new Map(
  Object.entries({
    ...elementwise,
    ...reduction,
    ...matrix,
    ...convolution,
    ...normalization,
    ...losses,
    ...shaping,
    ...indexing,
  }),
)
