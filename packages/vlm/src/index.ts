// 1. A model
export { initializeCheckpoint } from './initialize-checkpoint'
export { loadVlm, type LoadVlmOptions, type Vlm } from './load-vlm'
export type {
  Adapter,
  Completion,
  CustomObjective,
  EncodedImage,
  Gradient,
  GradientOptions,
  Group,
  Prompt,
  PromptOptions,
  SampleOptions,
  SamplingOptions,
  ScoredCompletion,
  ScoreOptions,
  Scores,
  StreamOptions,
  TokenScores,
} from './types'
export type { Objective, ObjectiveInputs } from './programs/objective'
export type { Seed } from './runtime/uniforms'

// 2. Before there is a model
export {
  planPrograms,
  type PlannedTensor,
  type PlanProgramsOptions,
  type ProgramPlan,
  type ProgramsPlan,
} from './plan-programs'
export { publishedConfigs } from './backbones/qwen2_5_vl/published-configs'
export type { QwenConfig } from './backbones/qwen2_5_vl/config'
export { estimateMemory, type MemoryEstimate, type MemoryOptions } from './runtime/memory-estimate'
export { checkMemory } from './runtime/check-memory'

// 3. The machine
export { inspectRuntime, type RuntimeReport } from './runtime/inspect-runtime'

export { EvolmmError } from '@evolmm/internal'
