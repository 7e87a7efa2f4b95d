/** What a run is: its settings, its tasks with their data, and the description by which it is known again. */
import { checkInteger, checkNumber } from '@evolmm/internal'
import { openRows, type OpenRowsOptions, type Rows } from '@evolmm/dataset'
import { policyName, type AskSettings, type Policy } from '../ask'
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
  data: Rows
  start: number
  end: number
  settings: AskSettings
  until: readonly string[]
}

export async function openTask(
  task: Task,
  run: RunSettings,
  where: OpenRowsOptions | undefined,
): Promise<OpenTask> {
  const { generation } = run
  const data = await openRows(task.source, {
    columns: task.columns,
    ...where,
    ...(run.signal && { signal: run.signal }),
  })
  return {
    task,
    data,
    ...rowRange(data.length, run),
    settings: {
      maxNewTokens: generation.maxNewTokens ?? task.generation.maxNewTokens,
      temperature: generation.temperature ?? task.generation.temperature ?? 0,
      ...(generation.topP !== undefined && { topP: generation.topP }),
    },
    until: generation.until ?? task.generation.until ?? [],
  }
}

/** The rows that count, [start, end), of all that there are; a limit below 1 is a share of these. */
export function rowRange(
  length: number,
  { limit = Infinity, offset }: Pick<RunSettings, 'limit' | 'offset'>,
): { start: number; end: number } {
  const rows = limit < 1 ? Math.ceil(limit * length) : limit
  const start = Math.min(offset, length)
  return { start, end: Math.min(start + rows, length) }
}

export function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined) return undefined
  return limit < 1 ? checkNumber('limit', limit, { above: 0 }) : checkInteger('limit', limit)
}

/** All that decides the results, and nothing else. */
export type RunDescription = ReturnType<typeof describeRun>

export function describeRun(policy: Policy, settings: RunSettings, opened: readonly OpenTask[]) {
  const { seed, mode, judge, fallback, system, limit, offset, generation } = settings
  return {
    model: policyName(policy),
    identity: policy.sampler.identity?.(policy.adapter) ?? {},
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
      // Left out where it says what stored runs of the former version were scored by.
      ...(task.scorer !== undefined && task.scorer !== 'exact' && { scorer: task.scorer }),
      revision: data.revision,
      start,
      end,
      settings: own,
      until,
    })),
  }
}
