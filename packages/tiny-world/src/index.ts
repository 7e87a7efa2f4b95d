// 1. Charts
export { chart, colors, type Bar, type Chart, type Color } from './chart'
export { chartPng, chartSize, drawChart } from './draw-chart'
export { splitChart, splits, type Split } from './splits'
export { writeAskedCharts, writeCharts, writeLabelledPairs } from './write-charts'

// 2. Questions
export {
  allQuestions,
  answerTo,
  parseQuestion,
  questionKinds,
  questionText,
  type ChartQuestion,
  type QuestionKind,
} from './questions'
export { labelledPairs, type LabelledPair, type LabelledPairsOptions } from './labelled-pairs'
export { proposerPrompt } from './prompts'

// 3. Questions of several steps
export {
  askCharts,
  otherStepKinds,
  parseStepQuestion,
  stepAnswer,
  stepKinds,
  type AskChartsOptions,
  type AskedChart,
  type StepKind,
  type StepQuestion,
} from './step-questions'
export { stepSets, type StepSets, type StepSetsOptions } from './step-sets'
export { stepTruths, type StepTruth } from './step-truths'
export { isWhollyTrue } from './is-wholly-true'
export { filledPrompt } from './filled-prompt'
export { stepQuestionPrompt, stepRationalePrompt } from './step-prompts'

// 4. The model
export { warmupTurns, type WarmupTurn, type WarmupTurnsOptions } from './warmup-turns'
export { readingTurns, type ReadingTurnsOptions } from './reading-turns'
export { stepTurns, type StepTurnsOptions } from './step-turns'
export { writeStart } from './checkpoint/write-start'
export { makeCheckpoint, recipes, type MakeCheckpointOptions, type WarmupPhase } from './make-checkpoint'

// 5. What it can do
export {
  measureAccuracy,
  measures,
  type Measure,
  type MeasureAccuracyOptions,
  type PairAccuracy,
} from './measure-accuracy'
export { measureSteps, type MeasureStepsOptions, type StepAccuracy } from './measure-steps'
export { summarizeAccuracy, type Estimate, type MeanAccuracy } from './summarize-accuracy'
