/**
 * A file of labelled questions as a task: JSON lines or parquet, in whose rows `labelledQuestion` of `@evolmm/dataset`
 * finds question, answers, options, images and kind. With options the right answer is the letter or the text of one. A
 * row whose answer is null has no score, but can be diagnosed.
 */
import { basename } from 'node:path'
import { checkInteger, checkNames, checkOneOf } from '@evolmm/internal'
import { labelledQuestion, type DataRow } from '@evolmm/dataset'
import { scorerNames, type ScorerName } from '@evolmm/rewards'
import { gradeAnswer, questionText } from './labelled-questions'
import { groupsBy, meanOf } from './scoring/averages'
import { defaultAnswerTokens } from './settings'
import type { Task } from './task'

export interface FileTaskOptions {
  /** The path of the `.jsonl` or `.parquet` file. Paths of images are relative to it. */
  file: string
  scorer: ScorerName
  /** @default the file's name without its ending */
  name?: string | undefined
  /** What is asked for after the question; an empty text for nothing. @default depends on the scorer */
  instruction?: string | undefined
  /** The longest answer in tokens. @default 64 */
  maxNewTokens?: number | undefined
}

export function fileTask(options: FileTaskOptions): Task {
  checkNames('fileTask', options, {
    file: true,
    scorer: true,
    name: true,
    instruction: true,
    maxNewTokens: true,
  })
  const { file } = options
  const scorer = checkOneOf('scorer', options.scorer, scorerNames)
  const metric = scorer === 'anls' ? 'anls' : 'accuracy'
  const read = (row: DataRow) => labelledQuestion(row, { file })
  return {
    name: options.name ?? basename(file).replace(/\.(jsonl|parquet)$/, ''),
    version: 1,
    scorer,
    instruction: options.instruction,
    source: { file },
    generation: {
      maxNewTokens: checkInteger('maxNewTokens', options.maxNewTokens ?? defaultAnswerTokens, { min: 1 }),
    },
    prompt: (row) => {
      const question = read(row)
      return { text: questionText(question, scorer, options.instruction), images: question.images }
    },
    target: (row) => (read(row).answers ?? []).join(' | '),
    score: (row, answer) => {
      const question = read(row)
      const { value, parsed } = gradeAnswer(answer, question, scorer)
      const details = question.kind === null ? {} : { details: { kind: question.kind } }
      return { values: { [metric]: value }, parsed, fallback: false, ...details }
    },
    aggregate: (scores) => ({ [metric]: meanOf(scores, metric) }),
    breakdown: (scores) => {
      const kind = groupsBy(scores, 'kind', { metric })
      return Object.keys(kind).length > 0 ? { kind } : {}
    },
    higherIsBetter: { [metric]: true },
    means: [metric],
  }
}
