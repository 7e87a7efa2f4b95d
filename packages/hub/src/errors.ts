import { errorWith, type FileErrorCode, type OptionErrorCode } from '@evolmm/internal'

/** What can go wrong between the hub, the network and the disk. */
export type HubErrorCode =
  | FileErrorCode
  | OptionErrorCode
  | 'DATASET_FILES_NOT_FOUND'
  | 'DATASET_INCOMPLETE'
  | 'DATASET_NOT_FOUND'
  | 'HUB_BAD_ANSWER'
  | 'HUB_CACHE_FAILED'
  | 'HUB_CACHE_READ_ONLY'
  | 'HUB_DISK_FULL'
  | 'HUB_FILE_CHANGED'
  | 'HUB_FILE_DAMAGED'
  | 'HUB_FILE_NOT_FOUND'
  | 'HUB_FORBIDDEN'
  | 'HUB_GATED'
  | 'HUB_NOT_CACHED'
  | 'HUB_RATE_LIMITED'
  | 'HUB_REPO_NOT_FOUND'
  | 'HUB_REQUEST_FAILED'
  | 'HUB_REVISION_NOT_FOUND'
  | 'HUB_SERVER_ERROR'
  | 'HUB_UNAUTHORIZED'
  | 'HUB_UNREACHABLE'
  | 'HUB_UNSAFE_PATH'
  | 'INVALID_REPO_ID'
  | 'MODEL_NOT_FOUND'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<HubErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
