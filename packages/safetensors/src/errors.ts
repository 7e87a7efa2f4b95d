import { errorWith, type FileErrorCode, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with files, tensors, or the options. */
export type SafetensorsErrorCode =
  FileErrorCode | OptionErrorCode | 'INVALID_SAFETENSORS' | 'INVALID_TENSOR' | 'NO_FILES'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<SafetensorsErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
