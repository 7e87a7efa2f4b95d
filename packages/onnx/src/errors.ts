import { errorWith, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with a graph, a model, or what is asked of them. */
export type OnnxErrorCode =
  | OptionErrorCode
  | 'CHECKPOINT_LEAK'
  | 'CHECKPOINT_MISMATCH'
  | 'DATA_LOCATION'
  | 'DATA_SIZE'
  | 'DATA_TYPE'
  | 'DUPLICATE_NAME'
  | 'EMPTY_LAYOUT'
  | 'ENDLESS_LOOP'
  | 'GRADIENT_SHAPE'
  | 'INTERNAL'
  | 'INVALID_ATTRIBUTE'
  | 'INVALID_MODEL'
  | 'INVALID_NAME'
  | 'INVALID_OUTPUT'
  | 'INVALID_SEED'
  | 'INVALID_SHAPE'
  | 'NOT_A_FUNCTION'
  | 'NOT_A_SCALAR'
  | 'NOT_A_TENSOR'
  | 'NOT_DIFFERENTIABLE'
  | 'NOT_INLINE'
  | 'NO_COMMON_FOLDER'
  | 'NO_GRADIENT_RULE'
  | 'NO_OUTPUT'
  | 'NO_PATH'
  | 'NO_TENSOR'
  | 'OPSET'
  | 'OUT_OF_SCOPE'
  | 'SHAPE_MISMATCH'
  | 'UNKNOWN_NAME'
  | 'UNKNOWN_OPERATOR'
  | 'UNKNOWN_TYPE'
  | 'UNSUPPORTED_GRADIENT'
  | 'UNSUPPORTED_MODEL'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<OnnxErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
