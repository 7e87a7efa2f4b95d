// Sampling
export { defaultSeed, openImageDataset } from './open-image-dataset'
export type { DatasetOptions, ImageDataset, Sample, SkippedImage } from './open-image-dataset'
export type { DatasetCounts, DatasetState, SkipReason } from './verdicts'

// Its parts
export { scanImages } from './scan-images'
export type { ScannedImages, ScanOptions } from './scan-images'
export { shuffledOrder } from './shuffled-order'
export { checkImage } from './check-image'
export type { CheckOptions, CheckReason, CheckResult } from './check-image'
export type { ImageFormat } from './image-formats'
export type { WarningListener } from '@evolmm/internal/node'

// Manifest
export { buildManifest } from './build-manifest'
export type { BuildManifestOptions, ManifestSummary } from './build-manifest'
export { readManifest, writeManifest } from './manifest-file'
export type { Manifest, ManifestEntry, ManifestHeader } from './manifest-file'
export { findDuplicates } from './find-duplicates'

// Rows of files and data sets
export {
  openRows,
  type FileSource,
  type OpenRowsOptions,
  type RowSource,
  type DataRows,
} from './rows/open-rows'
export type { DataRow, RowReader } from './rows/row-reader'
export type { HubDataset } from '@evolmm/hub'
export { rowImage, type ImageFile } from './rows/row-image'

// Labelled questions
export { readQuestions } from './questions/read-questions'
export { labelledQuestion, type LabelledQuestion, type RowPlace } from './questions/labelled-question'
export { splitByImage, type Split, type SplitOptions } from './questions/split-by-image'

// Errors
export { EvolmmError, type DatasetErrorCode } from './errors'
