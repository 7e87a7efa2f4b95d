/** Shape and type inference, one rule for each operator. */
import type { InferenceRule } from './context'
import { controlFlow } from './control-flow'
import { creation } from './creation'
import { convolution } from './convolution'
import { elementwise } from './elementwise'
import { indexing } from './indexing'
import { losses } from './losses'
import { matrix } from './matrix'
import { normalization } from './normalization'
import { reduction } from './reduction'
import { shaping } from './shaping'

export const inferenceRules: ReadonlyMap<string, InferenceRule> = new Map(
  Object.entries({
    ...elementwise,
    ...reduction,
    ...matrix,
    ...convolution,
    ...normalization,
    ...losses,
    ...shaping,
    ...indexing,
    ...creation,
    ...controlFlow,
  }),
)
