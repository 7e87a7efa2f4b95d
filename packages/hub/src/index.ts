// 1. Repositories as folders
export { resolveRepo, type ResolvedRepo } from './resolve-repo'
export { downloadSnapshot, type Snapshot } from './download-snapshot'
export { adapterFiles, modelFiles, type FileSelection } from './file-selection'
export { hubCacheFolder, type HubOptions, type HubProgress, type HubWarning } from './hub-options'

export { EvolmmError } from '@evolmm/internal'
