export * from './browser'

// Weights in files
export { externalData, type ExternalFiles, type FileTensor } from './external/external-data'
export { checkExternalData } from './external/check-external-data'
export { readExternalData } from './external/read-external-data'
