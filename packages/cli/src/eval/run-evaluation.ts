/** A model on tasks, from flags to a table. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import {
  evaluate,
  formatEvaluation,
  openAiJudge,
  openData,
  vlmAnswerer,
  type Answerer,
  type Evaluation,
  type Judge,
  type OpenDataOptions,
  type Task,
} from '@evolmm/eval'
import type { Context } from '../context'
import type { Vlm } from '../library'
import { showProgress, type Progress } from '../progress'
import { checkAdapterFlags, hubOptions, openAdapter, withModel } from '../with-model'
import { chooseTasks } from './choose-tasks'
import type { EvalFlags } from './eval-flags'
import { predictOnly } from './predict-only'

/** The exit code: 130 after Ctrl-C, which ends a run between two batches. */
export async function runEvaluation(context: Context, flags: EvalFlags): Promise<number> {
  // All that can be checked before a model is loaded.
  checkAdapterFlags(flags)
  const chosen = chooseTasks(flags.tasks, flags.scorer)
  const tasks = flags.predict_only === true ? chosen.map(predictOnly) : chosen
  const judge = openJudge(context, flags)
  if (flags.predict_only === true && (flags.output_path === undefined || !flags.log_samples))
    throw new EvolmmError(
      'INVALID_OPTION',
      '--predict_only: must go with --output_path and logged samples, got one of them missing; otherwise nothing is left of the run',
    )
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    await findData(context, flags, tasks, signal)
    const evaluation = await withModel(context, flags, async (vlm, progress) =>
      evaluate({
        tasks,
        answerer: await openAnswerer(vlm, flags, progress),
        limit: flags.limit === Infinity ? undefined : flags.limit,
        offset: flags.offset,
        batchSize: flags.batch_size,
        seed: flags.seed,
        mode: flags.mode,
        judge,
        system: flags.system_prompt,
        generation: flags.gen_kwargs,
        data: dataOf(context, flags, progress),
        outputPath: flags.output_path,
        logSamples: flags.log_samples,
        samplesSuffix: flags.log_samples_suffix,
        signal,
        onProgress: progress.onRows,
      }),
    )
    show(context, evaluation, flags.json === true)
    return 0
  } catch (error) {
    if (!signal.aborted) throw error
    if (flags.output_path !== undefined)
      context.stderr.write('stopped; the same command continues from here\n')
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
      const data = await openData(task, { ...dataOf(context, flags, progress), signal })
      await data.close()
    }
  } finally {
    progress.clear()
  }
}

async function openAnswerer(vlm: Vlm, flags: EvalFlags, progress: Progress): Promise<Answerer> {
  const adapter = await openAdapter(vlm, flags, progress)
  // A folder of the hub's cache is named by its commit.
  const name = existsSync(flags.model) ? undefined : flags.model.replace(/@.*/, '')
  const answerer = vlmAnswerer(vlm, { adapter, name })
  const { min_pixels = null, max_pixels = null, device = null, dtype = null } = flags
  const { predict_only = false } = flags
  return {
    ...answerer,
    identity: () => ({ ...answerer.identity?.(), min_pixels, max_pixels, device, dtype, predict_only }),
  }
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

function dataOf(context: Context, flags: EvalFlags, progress: Progress): OpenDataOptions {
  if (flags.data_dir !== undefined) return { folder: flags.data_dir }
  return {
    revision: flags.data_revision,
    download: (id, options) => context.library.downloadSnapshot(id, { ...hubOptions(progress), ...options }),
  }
}

function show({ stdout, stderr }: Context, evaluation: Evaluation, json: boolean): void {
  const { date, model, tasks, files } = evaluation
  if (!json) {
    stdout.write(formatEvaluation(evaluation))
    for (const path of files ? [files.results, ...files.samples] : []) stderr.write(`written: ${path}\n`)
    return
  }
  const results = tasks.map(({ allRows, fallbackShare, ...rest }) => ({
    ...rest,
    all_rows: allRows,
    fallback_share: fallbackShare,
  }))
  stdout.write(`${JSON.stringify({ date, model, tasks: results, files: files ?? null })}\n`)
}
