// 1. Tasks: prompts, scores, aggregates
export type {
  DataSource,
  Group,
  Json,
  Row,
  Score,
  ScoringContext,
  ScoringMode,
  Task,
  TaskImage,
  TaskPrompt,
} from './task'
export { findTasks, taskGroups, tasks } from './tasks'
export { cleanAnswer, type CleanAnswerOptions } from './scoring/clean-answer'
export { openAiJudge, type Judge, type JudgeRequest, type OpenAiJudgeOptions } from './judge'

// 2. Who answers
export type { Answer, Answerer, AnswerRequest, AnswerSettings } from './answerer'
export { vlmAnswerer, type AnsweringVlm, type VlmAnswererOptions } from './vlm-answerer'

// 3. Runs
export { evaluate, type EvaluateOptions } from './run/evaluate'
export type { Progress } from './run/progress'
export type { GenerationOverrides } from './run/plan'
export type { Evaluation, TaskResult } from './run/summarize'
export { formatEvaluation } from './run/format-evaluation'
export { folderTask, type FolderScorer, type FolderTaskOptions } from './folder-task'
export type { Data, OpenDataOptions } from './data/open-data'
export type { Download, FindFilesOptions } from './data/find-files'

// 4. Two runs
export { compareRuns, type ComparedMetric } from './compare/compare-runs'
export { formatComparison, type FormatComparisonOptions } from './compare/format-comparison'
export { pairedDifference, type PairedDifference } from './compare/paired-difference'

// 5. What there is to learn, and whether agreement may be trusted
export { diagnose, type DiagnoseOptions, type Diagnosis } from './diagnostics/diagnose'
export { taskQuestions, type Question, type TaskQuestionsOptions } from './diagnostics/questions'
export { passAtK } from './diagnostics/pass-at-k'
export { majorityAtK, type AnswerCount } from './diagnostics/majority-at-k'
export { calibration, type Agreement, type Calibration } from './diagnostics/calibration'
export { vote, type JudgedAnswer, type Vote } from './diagnostics/vote'

export { EvolmmError } from '@evolmm/internal'
