/** All gradient cases, by family. */
import type { GradientCases } from '../support/gradient-case'
import { controlFlow } from './control-flow'
import { convolution } from './convolution'
import { elementwise } from './elementwise'
import { indexing } from './indexing'
import { losses } from './losses'
import { matrix } from './matrix'
import { normalization } from './normalization'
import { reduction } from './reduction'
import { shaping } from './shaping'

export const families: Readonly<Record<string, GradientCases>> = {
  elementwise,
  reduction,
  normalization,
  losses,
  matrix,
  convolution,
  shaping,
  indexing,
  'control flow': controlFlow,
}
