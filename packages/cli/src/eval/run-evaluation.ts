/** A model on tasks, from flags to a table; with `--with_base` the model without its adapter first, and both compared. */
import { basename } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import {
  compareRuns,
  evaluate,
  formatBreakdown,
  formatComparison,
  formatEvaluation,
  type Evaluation,
} from '@evolmm/eval'
import type { Adapter } from '@evolmm/vlm'
import type { Context } from '../context'
import { openAdapter, withModel } from '../with-model'
import { comparedJson } from './compare'
import type { EvalFlags } from './eval-flags'
import { predictOnly } from './predict-only'
import { dataOf, measuredModel, prepared } from './prepare'

/** The exit code: 130 after Ctrl-C, which ends a run between two batches. */
export async function runEvaluation(context: Context, flags: EvalFlags): Promise<number> {
  checkFlags(flags)
  const code = await prepared(context, flags, async ({ tasks, judge, signal }) => {
    const evaluations = await withModel(context, flags, async (vlm, progress) => {
      const run = (adapter: Adapter | undefined) =>
        evaluate({
          tasks: flags.predict_only === true ? tasks.map(predictOnly) : tasks,
          sampler: measuredModel(vlm, flags),
          adapter,
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
        })
      const adapter = await openAdapter(vlm, flags, progress)
      const base = flags.with_base === true ? await run(undefined) : undefined
      return { base, evaluation: await run(adapter) }
    })
    await show(context, flags, evaluations)
  })
  if (code === 130 && flags.output_path !== undefined)
    context.stderr.write('stopped; the same command continues from here\n')
  return code
}

function checkFlags(flags: EvalFlags): void {
  const stored = flags.output_path !== undefined && flags.log_samples
  if (flags.predict_only === true && !stored)
    throw new EvolmmError(
      'INVALID_OPTION',
      '--predict_only: must go with --output_path and logged samples, got one of them missing; otherwise nothing is left of the run',
    )
  if (flags.with_base === true && (!stored || flags.adapter === undefined || flags.predict_only === true))
    throw new EvolmmError(
      'INVALID_OPTION',
      '--with_base: must go with --adapter, --output_path and logged samples, and without --predict_only, got other flags; add what is missing',
    )
}

interface Evaluations {
  base: Evaluation | undefined
  evaluation: Evaluation
}

async function show(
  { stdout, stderr }: Context,
  { json = false, breakdown = false, adapter = '' }: EvalFlags,
  { base, evaluation }: Evaluations,
): Promise<void> {
  const names = ['base', basename(adapter)] as const
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
