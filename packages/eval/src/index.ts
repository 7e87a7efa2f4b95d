// 1. Tasks: prompts, scores, aggregates
export type { DataSource, Json, RowGroup, Score, ScoringContext, ScoringMode, Task, TaskPrompt } from './task'
export { findTasks, taskGroups, tasks } from './tasks'
export { fileTask, type FileTaskOptions } from './file-task'
export { cleanAnswer, type CleanAnswerOptions } from './scoring/clean-answer'
export { openAiJudge, type Judge, type JudgeRequest, type OpenAiJudgeOptions } from './judge'

// 2. What is measured
export type { AskedSampler, Policy, SampleRequest } from './ask'

// 3. Runs
export { evaluate, type EvaluateOptions } from './run/evaluate'
export type { Evaluation, TaskResult } from './run/summarize'
export type { GenerationOverrides } from './run/selection'
export type { Progress } from './run/progress'
export { formatBreakdown, formatEvaluation } from './run/format-evaluation'

export {
  evalSettings,
  evaluateSettings,
  questionSettings,
  type EvalSettings,
  type EvaluateSettings,
} from './settings'

// 4. Two runs side by side
export { compareRuns, type ComparedMetric } from './compare/compare-runs'
export { formatComparison, type FormatComparisonOptions } from './compare/format-comparison'
export type { PairedDifference } from './compare/paired-difference'

// 5. Diagnostics of self-consistency
export { probe, type OwnWay, type ProbeItem, type ProbeOptions, type ProbeResult } from './probe'
export { openProbe, type OpenProbe, type OpenProbeOptions } from './open-probe'
export { diagnose, type DiagnoseOptions, type Diagnosis } from './diagnostics/diagnose'
export { formatDiagnosis } from './diagnostics/format-diagnosis'
export { taskQuestions, type Question, type TaskQuestionsOptions } from './diagnostics/questions'
export type { JudgedAnswer } from './diagnostics/vote'
export type { Calibration } from './diagnostics/calibration'
export { areaUnderCurve, type ScoredExample } from './diagnostics/area-under-curve'
export { calibrationError, type CalibrationError, type Prediction } from './diagnostics/calibration-error'
export { passAtK } from './diagnostics/pass-at-k'

export { EvolmmError, type EvalErrorCode } from './errors'
