// 1. A plan
export { planRun } from './plan-run'
export type { PlannedImage, PlannedMemory, PlanRunOptions, RunPlan } from './plan-run'
export type { TrainedShape } from './trained'
export { memoryKinds, memoryPhases } from './memory'
export type { MemoryKind, MemoryPhase, PlacedBytes, TrainingMemory } from './memory'
export { largestImage, type ImagePaths } from './largest-image'
export { planGraphs, type PlannedGraph } from './plan-graphs'

// 2. Whether it fits
export { fits, memoryLimits, type FitOptions, type Limits } from './fit'
export { reportRun, type RunReport } from './report-run'
export { checkFit, type CheckFitOptions } from './check-fit'
export type { Advice, Alternative } from './advise'
export { formatAdvice, type WriteSetting } from './format-advice'
export type { Changes } from './remedies'

export { EvolmmError, type PlanErrorCode } from './errors'
