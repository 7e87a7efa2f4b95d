/** What a run is: its settings, its tasks with their data, and the description by which it is known again. */
import type { AnswerSettings, Answerer } from '../answerer'
import { openData, type Data, type OpenDataOptions } from '../data/open-data'
import type { Judge } from '../judge'
import type { ScoringMode, Task } from '../task'

export interface GenerationOverrides {
  /** Tokens. */
  maxNewTokens?: number | undefined
  /** 0 is greedy. */
  temperature?: number | undefined
  topP?: number | undefined
  until?: readonly string[] | undefined
}

/** The options with their defaults. */
export interface RunSettings {
  limit: number | undefined
  offset: number
  batchSize: number
  seed: number
  mode: ScoringMode
  judge: Judge | undefined
  fallback: 'random' | 'wrong' | undefined
  system: string
  generation: GenerationOverrides
  signal: AbortSignal | undefined
}

/** A task with its data and the rows of it that count. */
export interface OpenTask {
  task: Task
  data: Data
  start: number
  end: number
  settings: AnswerSettings
  until: readonly string[]
}

export async function openTask(
  task: Task,
  run: RunSettings,
  where: OpenDataOptions | undefined,
): Promise<OpenTask> {
  const { generation } = run
  const data = await openData(task, {
    ...where,
    ...(run.signal && { signal: run.signal }),
  })
  const { limit = Infinity } = run
  const rows = limit < 1 ? Math.ceil(limit * data.length) : limit
  const start = Math.min(run.offset, data.length)
  return {
    task,
    data,
    start,
    end: Math.min(start + rows, data.length),
    settings: {
      maxNewTokens: generation.maxNewTokens ?? task.generation.maxNewTokens,
      temperature: generation.temperature ?? task.generation.temperature ?? 0,
      ...(generation.topP !== undefined && { topP: generation.topP }),
    },
    until: generation.until ?? task.generation.until ?? [],
  }
}

/** All that decides the results, and nothing else. */
export type RunDescription = ReturnType<typeof describeRun>

export function describeRun(answerer: Answerer, settings: RunSettings, opened: readonly OpenTask[]) {
  const { seed, mode, judge, fallback, system, limit, offset, generation } = settings
  return {
    model: answerer.name,
    identity: answerer.identity?.() ?? {},
    seed,
    mode,
    judge: judge?.name ?? null,
    fallback: fallback ?? null,
    system,
    limit: limit ?? null,
    offset,
    generation,
    tasks: opened.map(({ task, data, start, end, settings: own, until }) => ({
      name: task.name,
      version: task.version,
      revision: data.revision,
      start,
      end,
      settings: own,
      until,
    })),
  }
}
