/** Questions that can be diagnosed: those of a task, or one's own. */
import { checkObject } from '@evolmm/internal'
import { openRows, type OpenRowsOptions } from '@evolmm/dataset'
import { resolve, type GivenOf } from '@evolmm/settings'
import type { SampleRequest } from '../ask'
import type { Judge } from '../judge'
import { rowRange } from '../run/selection'
import { rowRequest } from '../run/row-request'
import { cleanAnswer } from '../scoring/clean-answer'
import { questionSettings } from '../settings'
import type { Task } from '../task'
import type { JudgedAnswer } from './vote'

export interface Question extends SampleRequest {
  /** What a text says, and whether it is right if anybody knows. */
  judge: (text: string) => JudgedAnswer | Promise<JudgedAnswer>
}

export interface TaskQuestionsOptions extends GivenOf<typeof questionSettings> {
  /** @default none */
  judge?: Judge | undefined
  /** The place of the data. @default the Hugging Face cache */
  data?: OpenRowsOptions | undefined
}

/** The rows of a task as questions. An answer is right where the task's first value for it is at least one half. */
export async function* taskQuestions(
  task: Task,
  options: TaskQuestionsOptions = {},
): AsyncGenerator<Question, void, undefined> {
  checkObject('task', task)
  checkObject('options', options)
  const { judge, data: where, ...given } = options
  const settings = resolve(questionSettings, given)
  const { mode, seed } = settings
  const data = await openRows(task.source, { columns: task.columns, ...where })
  try {
    const { start, end } = rowRange(data.length, settings)
    let index = start
    for await (const row of data.read(start, end))
      yield {
        ...rowRequest(task, row, index++, settings),
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
