/** What a run of `evolmm eval` needs, from its flags: tasks, data, a judge, the model as it is measured. */
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { openRows, type OpenRowsOptions } from '@evolmm/dataset'
import { openAiJudge, type Judge, type Task } from '@evolmm/eval'
import type { Context } from '../context'
import type { Vlm } from '../library'
import { showProgress, type Progress } from '../progress'
import { checkAdapterFlags, hubOptions } from '../with-model'
import { chooseTasks } from './choose-tasks'
import type { EvalFlags } from './eval-flags'
import { includeTasks } from './include-tasks'

export interface Prepared {
  tasks: Task[]
  judge: Judge | undefined
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
}

/** The exit code of `work`, or 130 after Ctrl-C. All that can be checked before a model is loaded has been. */
export async function prepared(
  context: Context,
  flags: EvalFlags,
  work: (prepared: Prepared) => Promise<void>,
): Promise<number> {
  checkAdapterFlags(flags)
  const tasks = chooseTasks(flags.tasks, flags.scorer, await includeTasks(flags.include_path))
  const judge = openJudge(context, flags)
  await context.library.chooseDevice({ device: flags.device, dtype: flags.dtype })
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    await findData(context, flags, tasks, signal)
    await work({ tasks, judge, signal })
    return 0
  } catch (error) {
    if (!signal.aborted) throw error
    return 130
  } finally {
    undo()
  }
}

/** Data that is missing shows before a large model is downloaded. */
async function findData(
  context: Context,
  flags: EvalFlags,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<void> {
  const progress = showProgress(context)
  try {
    for (const task of tasks) {
      const where = { ...dataOf(context, flags, progress), signal }
      const data = await openRows(task.source, { columns: task.columns, ...where })
      await data.close()
    }
  } finally {
    progress.clear()
  }
}

/** The model, whose identity takes in the flags that decide its answers. */
export function measuredModel(vlm: Vlm, flags: EvalFlags): Vlm {
  const { min_pixels = null, max_pixels = null, device = null, dtype = null, quantize = 'none' } = flags
  const { predict_only = false } = flags
  // Left out where there is nothing to say, so that earlier results go on.
  const bits = quantize === 'none' ? {} : { quantize }
  const own = { min_pixels, max_pixels, device, dtype, ...bits, predict_only }
  return { ...vlm, identity: (adapter) => ({ ...vlm.identity?.(adapter), ...own }) }
}

function openJudge({ environment }: Context, flags: EvalFlags): Judge | undefined {
  const { judge_url: baseUrl, judge_model: model, mode, output_path: folder } = flags
  if (baseUrl === undefined && model === undefined) return undefined
  if (mode === 'rule-based')
    throw new EvolmmError(
      'INVALID_OPTION',
      '--judge_url, --judge_model: must not be given in mode rule-based, which asks nobody; leave one out',
    )
  if (baseUrl !== undefined && !/^https?:\/\/[^/]/.test(baseUrl))
    throw new EvolmmError(
      'INVALID_OPTION',
      `--judge_url: must be an http or https address, got ${JSON.stringify(baseUrl)}; give the part before /chat/completions`,
    )
  return openAiJudge({
    baseUrl,
    model,
    apiKey: environment.OPENAI_API_KEY,
    ...(folder !== undefined && { cacheFile: join(folder, 'judge-replies.jsonl') }),
  })
}

export function dataOf(context: Context, flags: EvalFlags, progress: Progress): OpenRowsOptions {
  if (flags.data_dir !== undefined) return { folder: flags.data_dir }
  return { ...hubOptions(progress), revision: flags.data_revision, environment: context.environment }
}
