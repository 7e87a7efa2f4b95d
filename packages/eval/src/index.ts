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

export { EvolmmError } from '@evolmm/internal'
