export { resolveRepo, type ResolvedRepo } from './resolve-repo'
export { downloadSnapshot, type Snapshot } from './download-snapshot'
export { adapterFiles, modelFiles, type FileSelection } from './file-selection'
export { hubCacheFolder, type HubOptions, type HubProgress } from './hub-options'
export type { WarningListener } from '@evolmm/internal/node'
export { datasetFiles, type DatasetFiles, type DatasetFilesOptions, type HubDataset } from './dataset-files'

export { EvolmmError, type HubErrorCode } from './errors'
