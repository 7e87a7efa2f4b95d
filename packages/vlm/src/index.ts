// 1. A model
export { loadVlm } from './load-vlm'
export type { LoadVlmOptions } from './open-model'
export type { SaveMergedOptions, SaveOptions, Vlm } from './vlm'
export type {
  Completion,
  CustomObjective,
  EncodedImage,
  EncodeImageOptions,
  ImageSource,
  Gradient,
  GradientOptions,
  Group,
  GroupOptions,
  Prompt,
  PromptOptions,
  Sampled,
  SampleOptions,
  SamplingOptions,
  Scored,
  ScoredCompletion,
  ScoreOptions,
  Scores,
  StreamOptions,
  TokenScores,
  Turn,
} from './types'
export type { Sampler } from './sampler'
export { continuedPrompt } from './continued-prompt'
export type { Learner } from './learner'
export type { Adapter } from './adapter/adapter'
export { adapterArrays } from './adapter/adapter-arrays'
export { samplingDefaults } from '@evolmm/internal'
export { loraDefaults } from './adapter/create-adapter'
export type { CreateAdapterOptions } from './adapter/create-adapter'
export type { FullWeightsOptions } from './adapter/full-weights'
export type { LoadAdapterOptions } from './adapter/load-adapter'
export { type AdapterShape, readAdapterShape } from './adapter/adapter-shape'
export type { LoraModule, Trainable } from './programs/trainable'
export type { Objective, ObjectiveInputs } from './programs/objective'
export type { ChatMessage, ChatPart } from './prompt/chat-message'
export type { Tokenizer } from './prompt/load-tokenizer'
export { tokenText } from './prompt/token-text'
export { tokenEnds } from './prompt/token-ends'
export type { Seed } from './runtime/uniforms'

// 2. Before there is a model
export {
  planPrograms,
  type PlannedTensor,
  type PlanProgramsOptions,
  type ProgramPlan,
  type ProgramsPlan,
} from './plan-programs'
export { checkParameters } from './adapter/check-parameters'
export { plannedAdapter, type PlannedAdapter, type PlannedAdapterOptions } from './planned-adapter'
export { checkFolder, type OpenFolderOptions } from './open-folder'
export { openConfig, type OpenConfigOptions, type OpenedConfig } from './open-config'
export { lmmsEvalKinds, openBackbone, readBackbone } from './backbones/open-backbone'
export { architectures, type Architectures } from './backbones/backbones'
export type { Architecture, Backbone } from './backbones/backbone'
export type { ImageLayout, ImageOptions, ImageProcessor, ImageToBe, PreparedImage } from './backbones/vision'
export { initializeCheckpoint, type InitializeCheckpointOptions } from './initialize-checkpoint'
export {
  estimateMemory,
  type MemoryEstimate,
  type MemoryOptions,
  type ProgramKind,
} from './runtime/memory-estimate'

// 3. Images
export { type ImageCache, imageCache } from './image-cache'
export { decodeImage } from './image/decode-image'
export { imageSize } from './image/image-size'
export type { Pixels, RgbImage } from './image/rgb-image'

// 4. The machine
export { inspectRuntime, type CacheReport, type RuntimeReport } from './runtime/inspect-runtime'
export type { CardReport, CudaReport } from './runtime/cuda-report'
export type { CudaLibrary } from './runtime/cuda-libraries'
export { parseDevice, type DeviceName } from './runtime/device-name'
export { runtimeVersion } from './runtime/runtime-version'
export { availableMemory } from './runtime/available-memory'
export { chooseDevice, type DeviceChoice, type DeviceOptions } from './runtime/devices'

export { EvolmmError, type VlmErrorCode } from './errors'
