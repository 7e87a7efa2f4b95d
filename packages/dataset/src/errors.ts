import { errorWith, type FileErrorCode, type OptionErrorCode } from '@evolmm/internal'

/** What can be wrong with images and their manifest, with rows and labelled questions, or with the options. */
export type DatasetErrorCode =
  | FileErrorCode
  | OptionErrorCode
  | 'COLUMN_MISSING'
  | 'DATA_EMPTY'
  | 'DATA_UNREADABLE'
  | 'IMAGE_MISSING'
  | 'INVALID_LINE'
  | 'INVALID_ROOT'
  | 'INVALID_ROW'
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
  | 'UNKNOWN_FORMAT'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<DatasetErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
