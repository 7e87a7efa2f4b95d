import { errorWith } from './evolmm-error'

/** What checks of options throw. */
export type OptionErrorCode = 'INVALID_OPTION'

/** What reading and writing files throws. */
export type FileErrorCode = 'UNREADABLE_FILE' | 'UNWRITABLE_FILE'

/** What locks and folders that appear as a whole throw besides. */
export type OutputErrorCode = 'OUTPUT_IN_USE' | 'WOULD_OVERWRITE'

/** The class is that of all packages; as seen here it has the codes of this one. */
export const EvolmmError = errorWith<OptionErrorCode | FileErrorCode | OutputErrorCode>()
export type EvolmmError = InstanceType<typeof EvolmmError>
