/** What a run is: its settings, its tasks with their data, and the description by which it is known again. */
import { openRows, type OpenRowsOptions, type DataRows } from '@evolmm/dataset'
import { identityOf } from '@evolmm/settings'
import { policyName, type AskSettings, type Policy } from '../ask'
import { evaluateSettings, type EvaluateSettings } from '../settings'
import type { ScoringContext, Task } from '../task'

export interface GenerationOverrides {
  /** The tokens that an answer may have. @default the task's */
  maxNewTokens?: number | undefined
  /** The temperature of sampling; 0 is greedy. @default the task's */
  temperature?: number | undefined
  topP?: number | undefined
  until?: readonly string[] | undefined
}

/** What all tasks of a run share. */
export interface EvaluatedRun extends Pick<ScoringContext, 'judge' | 'fallback' | 'signal'> {
  settings: EvaluateSettings
  generation: GenerationOverrides
}

/** A task with its data and the rows of it that count. */
export interface OpenTask {
  task: Task
  data: DataRows
  start: number
  end: number
  settings: AskSettings
  until: readonly string[]
}

export async function openTask(
  task: Task,
  { settings, generation, signal }: EvaluatedRun,
  where: OpenRowsOptions | undefined,
): Promise<OpenTask> {
  const data = await openRows(task.source, {
    columns: task.columns,
    ...where,
    ...(signal && { signal }),
  })
  return {
    task,
    data,
    ...rowRange(data.length, settings),
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
  { limit, offset }: Pick<EvaluateSettings, 'limit' | 'offset'>,
): { start: number; end: number } {
  const rows = limit === null ? length : limit < 1 ? Math.ceil(limit * length) : limit
  const start = Math.min(offset, length)
  return { start, end: Math.min(start + rows, length) }
}

/** All that decides the results, and nothing else. */
export type RunDescription = ReturnType<typeof describeRun>

/** Former runs are known by the hash of this, so that names and their order stay; others stand behind them. */
export function describeRun(
  policy: Policy,
  { settings, judge, fallback, generation }: EvaluatedRun,
  opened: readonly OpenTask[],
) {
  const {
    seed,
    mode,
    system_prompt: system,
    limit,
    offset,
    ...others
  } = identityOf(evaluateSettings, settings)
  return {
    model: policyName(policy),
    identity: policy.sampler.identity?.(policy.adapter) ?? {},
    seed,
    mode,
    judge: judge?.name ?? null,
    fallback: fallback ?? null,
    system,
    limit,
    offset,
    generation,
    tasks: opened.map(({ task, data, start, end, settings: own, until }) => ({
      name: task.name,
      version: task.version,
      // Left out where it says what stored runs of the former version were scored by.
      ...(task.scorer !== undefined && task.scorer !== 'exact' && { scorer: task.scorer }),
      ...(task.instruction !== undefined && { instruction: task.instruction }),
      revision: data.revision,
      start,
      end,
      settings: own,
      until,
    })),
    ...others,
  }
}
