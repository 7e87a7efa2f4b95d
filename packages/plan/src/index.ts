// 1. A plan
export { planRun, type PlanRunOptions, type RunPlan } from './plan-run'
export { planMstar, type MstarPlan, type PlanMstarOptions } from './plan-mstar'
export type { Changes, MemoryPlan, PlannedImage, PlannedMemory } from './memory-plan'
export { memoryKinds, memoryPhases, mstarPhases } from './memory'
export type { MemoryKind, MemoryPhase, MstarPhase, PlacedBytes, TrainingMemory } from './memory'
export { largestImage, largestSize, type ImagePaths } from './largest-image'
export { planGraphs, type PlannedGraph } from './plan-graphs'

// 2. Whether it fits
export { fits, memoryLimits, type FitOptions, type Limits } from './fit'
export { reportRun, type RunReport } from './report-run'
export { checkFit, type CheckFitOptions } from './check-fit'
export type { Advice, Alternative } from './advise'
export { formatAdvice, type WriteSetting } from './format-advice'

export { EvolmmError, type PlanErrorCode } from './errors'
