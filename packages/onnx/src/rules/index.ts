/** Gradient rules, one for each operator that can be differentiated. `If` is handled by the walk itself. */
import type { GradientRule } from '../grad/rule'
import { elementwise } from './elementwise'
import { matrix } from './matrix'
import { reduction } from './reduction'
import { shaping } from './shaping'

export const gradientRules: Readonly<Record<string, GradientRule | undefined>> = {
  ...elementwise,
  ...reduction,
  ...matrix,
  ...shaping,
}
