/** A model on tasks, from request to a table; with `--with_base` the model without its adapter first, and both compared. */
import { basename } from 'node:path'
import {
  compareRuns,
  evaluate,
  evaluateSettings,
  formatBreakdown,
  formatComparison,
  formatEvaluation,
  type Evaluation,
  type Task,
} from '@evolmm/eval'
import { partOf } from '@evolmm/settings'
import type { Adapter } from '@evolmm/vlm'
import type { Context } from '../context'
import { openAdapter, withModel } from '../with-model'
import { comparedJson } from './compare'
import type { EvalRequest } from './eval-request'
import { dataOf, measuredModel, prepared } from './prepare'

/** The exit code: 130 after Ctrl-C, which ends a run between two batches. */
export async function runEvaluation(context: Context, request: EvalRequest): Promise<number> {
  const code = await prepared(context, request, async ({ tasks, judge, signal }) => {
    const evaluations = await withModel(context, request, async (vlm, progress) => {
      const run = (adapter: Adapter | undefined) =>
        evaluate({
          ...partOf(evaluateSettings, request),
          tasks: request.predict_only ? tasks.map(predictOnly) : tasks,
          sampler: { ...measuredModel(vlm, request), name: nameOf(vlm.name, adapter, request) },
          adapter,
          judge,
          generation: request.generation,
          data: dataOf(context, request, progress),
          signal,
          onProgress: progress.onRows,
          onWarning: progress.onWarning,
        })
      const adapter = await openAdapter(vlm, request, progress)
      const base = request.with_base ? await run(undefined) : undefined
      return { base, evaluation: await run(adapter) }
    })
    await show(context, request, evaluations)
  })
  if (code === 130 && request.output_path !== null)
    context.stderr.write('stopped; the same command continues from here\n')
  return code
}

/**
 * The model as tables and folders of results call it. Beside the base an adapter is named too, so that its numbers are not
 * taken for the base's; alone the model is called as lmms-eval calls it.
 */
function nameOf(name: string, adapter: Adapter | undefined, request: EvalRequest): string {
  return request.with_base && adapter !== undefined ? `${name}+${basename(request.adapter ?? '')}` : name
}

/** A task whose answers are written down and not scored. */
function predictOnly(task: Task): Task {
  return {
    ...task,
    judge: 'never',
    score: () => ({ values: {} }),
    aggregate: () => ({}),
    breakdown: undefined,
    higherIsBetter: {},
    means: [],
  }
}

interface Evaluations {
  base: Evaluation | undefined
  evaluation: Evaluation
}

async function show(
  { stdout, stderr }: Context,
  { json, breakdown, adapter }: EvalRequest,
  { base, evaluation }: Evaluations,
): Promise<void> {
  const names = ['base', basename(adapter ?? '')] as const
  const compared = base && (await compareRuns(base.files?.results ?? '', evaluation.files?.results ?? ''))
  if (json) {
    const both = base && { base: asJson(base), names, compared: comparedJson(compared ?? []) }
    stdout.write(`${JSON.stringify({ ...asJson(evaluation), ...both })}\n`)
    return
  }
  for (const one of base ? [base, evaluation] : [evaluation]) {
    stdout.write(formatEvaluation(one))
    if (breakdown) stdout.write(`\n${formatBreakdown(one)}`)
    if (base) stdout.write('\n')
    for (const path of one.files ? [one.files.results, ...one.files.samples] : [])
      stderr.write(`written: ${path}\n`)
  }
  if (compared) stdout.write(formatComparison(compared, { names }))
}

function asJson({ date, model, tasks, files }: Evaluation): Record<string, unknown> {
  const results = tasks.map(({ allRows, fallbackShare, ...rest }) => ({
    ...rest,
    all_rows: allRows,
    fallback_share: fallbackShare,
  }))
  return { date, model, tasks: results, files: files ?? null }
}
