/** Questions that can be diagnosed: those of a task, or one's own. */
import { checkInteger } from '@evolmm/internal'
import { openRows, type OpenRowsOptions } from '@evolmm/dataset'
import type { SampleRequest } from '../ask'
import type { Judge } from '../judge'
import { checkLimit, rowRange } from '../run/plan'
import { defaultSystem, rowRequest } from '../run/row-request'
import { cleanAnswer } from '../scoring/clean-answer'
import type { ScoringMode, Task } from '../task'
import type { JudgedAnswer } from './vote'

export interface Question extends SampleRequest {
  /** What a text says, and whether it is right if anybody knows. */
  judge: (text: string) => JudgedAnswer | Promise<JudgedAnswer>
}

export interface TaskQuestionsOptions {
  /** Rows; below 1 a share of them. @default all */
  limit?: number | undefined
  /** Rows that are passed over first. @default 0 */
  offset?: number | undefined
  /** @default 'fixed' */
  mode?: ScoringMode | undefined
  /** @default none */
  judge?: Judge | undefined
  /** System message; an empty one leaves it to the model. @default 'You are a helpful assistant.' */
  system?: string | undefined
  /** @default 0 */
  seed?: number | undefined
  /** The place of the data. @default the Hugging Face cache */
  data?: OpenRowsOptions | undefined
}

/** The rows of a task as questions. An answer is right where the task's first value for it is at least one half. */
export async function* taskQuestions(
  task: Task,
  options: TaskQuestionsOptions = {},
): AsyncGenerator<Question, void, undefined> {
  const { mode = 'fixed', judge, seed = 0 } = options
  const limit = checkLimit(options.limit)
  const offset = checkInteger('offset', options.offset ?? 0, { min: 0 })
  const { system = defaultSystem } = options
  const data = await openRows(task.source, { columns: task.columns, ...options.data })
  try {
    const { start, end } = rowRange(data.length, { limit, offset })
    let index = start
    for await (const row of data.read(start, end))
      yield {
        ...rowRequest(task, row, index++, { system, seed }),
        judge: async (text) => {
          const answer = cleanAnswer(text, { until: task.generation.until, mode })
          const { values, parsed } = await task.score(row, answer, { mode, judge, seed, fallback: 'wrong' })
          const value = Object.values(values).find((candidate) => candidate !== null)
          return { key: parsed ?? null, right: value === undefined ? null : value >= 0.5 }
        },
      }
  } finally {
    await data.close()
  }
}
