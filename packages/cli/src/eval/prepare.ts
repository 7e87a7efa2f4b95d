/** What a run of `evolmm eval` needs, from its request: tasks, data, a judge, the model as it is measured. */
import { join } from 'node:path'
import { openRows, type OpenRowsOptions } from '@evolmm/dataset'
import { openAiJudge, type Judge, type Task } from '@evolmm/eval'
import { optionsOf } from '@evolmm/settings'
import type { Context } from '../context'
import type { Vlm } from '../library'
import { showProgress, type ProgressListeners } from '../progress'
import { hubOptions } from '../with-model'
import { chooseTasks } from './choose-tasks'
import type { EvalRequest } from './eval-request'
import { includeTasks } from './include-tasks'

export interface PreparedTasks {
  tasks: Task[]
  judge: Judge | undefined
  /** The signal is aborted by Ctrl-C. */
  signal: AbortSignal
}

/** The exit code of `work`, or 130 after Ctrl-C. All that can be checked before a model is loaded has been. */
export async function prepared(
  context: Context,
  request: EvalRequest,
  work: (prepared: PreparedTasks) => Promise<void>,
): Promise<number> {
  const tasks = chooseTasks(
    request.tasks,
    request.scorer,
    request.include_path === null ? [] : await includeTasks(request.include_path),
  )
  const judge = openJudge(context, request)
  await context.library.chooseDevice({ device: request.device, dtype: request.dtype })
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    await findData(context, request, tasks, signal)
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
  request: EvalRequest,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<void> {
  const progress = showProgress(context)
  try {
    for (const task of tasks) {
      const where = { ...dataOf(context, request, progress), signal }
      const data = await openRows(task.source, { columns: task.columns, ...where })
      await data.close()
    }
  } finally {
    progress.clear()
  }
}

/** The model, whose identity takes in the request that decide its answers. */
export function measuredModel(vlm: Vlm, request: EvalRequest): Vlm {
  const { min_pixels, max_pixels, image_options, quantize, predict_only, sources } = request
  // Left out where nobody chose, so that earlier results go on.
  const [device, dtype] = (['device', 'dtype'] as const).map((name) =>
    sources[name] === 'default' ? null : request[name],
  )
  // Left out where there is nothing to say, so that earlier results go on.
  const bits = quantize === 'none' ? {} : { quantize }
  const further = image_options === null ? {} : { image_options }
  const own = { min_pixels, max_pixels, ...further, device, dtype, ...bits, predict_only }
  return { ...vlm, identity: (adapter) => ({ ...vlm.identity?.(adapter), ...own }) }
}

function openJudge({ environment }: Context, request: EvalRequest): Judge | undefined {
  const { judge_url: baseUrl, judge_model: model, output_path: folder } = request
  if (baseUrl === null && model === null) return undefined
  return openAiJudge({
    ...optionsOf({ baseUrl, model }),
    apiKey: environment.OPENAI_API_KEY,
    ...(folder !== null && { cacheFile: join(folder, 'judge-replies.jsonl') }),
  })
}

export function dataOf(context: Context, request: EvalRequest, progress: ProgressListeners): OpenRowsOptions {
  if (request.data_dir !== null) return { folder: request.data_dir }
  return {
    ...hubOptions(progress),
    ...optionsOf({ revision: request.data_revision }),
    environment: context.environment,
  }
}
