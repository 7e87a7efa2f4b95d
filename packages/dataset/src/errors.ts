import { errorWith, type FileErrorCode, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with a folder of images, its manifest, or the options. */
export type DatasetErrorCode =
  | FileErrorCode
  | OptionErrorCode
  | 'INVALID_ROOT'
  | 'MANIFEST_DAMAGED'
  | 'MANIFEST_INCOMPLETE'
  | 'MANIFEST_MISMATCH'
  | 'MANIFEST_NOT_FOUND'
  | 'MANIFEST_VERSION'
  | 'NOT_A_MANIFEST'
  | 'NO_IMAGES'
  | 'NO_USABLE_IMAGE'
  | 'STATE_INVALID'
  | 'STATE_MISMATCH'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<DatasetErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
