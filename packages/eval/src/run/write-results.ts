/**
 * The files of lmms-eval: `<date>_results.json` and `<date>_samples_<task>.jsonl`, with lmms-eval's keys, so that
 * scripts made for it read them. What it has no place for is under the key `evolmm`: in the results how each number
 * came about, in a sample the text as generated, all values and what the answer was understood as.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { jsonText } from '@evolmm/internal'
import { removeLeftovers, replaceFile } from '@evolmm/internal/node'
import { folderName } from './folder-name'
import type { EvaluateSettings } from '../settings'
import type { ScoredRecord } from './journal'
import type { OpenTask, RunDescription } from './selection'
import type { Evaluation, TaskResult } from './summarize'

export interface WriteResultsOptions {
  run: RunDescription
  settings: EvaluateSettings
  opened: readonly OpenTask[]
  /** They are written where the settings say so. */
  samplesOf: (task: OpenTask) => readonly ScoredRecord[]
  /** Seconds that the call took. */
  seconds: number
}

export async function writeResults(
  folder: string,
  evaluation: Evaluation,
  options: WriteResultsOptions,
): Promise<{ results: string; samples: string[] }> {
  const { date } = evaluation
  const { settings, opened, samplesOf } = options
  const samples: string[] = []
  // Of earlier tries of this run; the names of other runs begin with other dates.
  await removeLeftovers(folder, `${date}_`)
  if (settings.log_samples)
    for (const one of opened) {
      const name = [date, 'samples', one.task.name, settings.log_samples_suffix].filter(Boolean).join('_')
      const path = join(folder, `${name.replaceAll(/[/\\]/g, '_')}.jsonl`)
      const lines = sampleLines(one, samplesOf(one))
      await replaceFile(path, async (output) => {
        for (const line of lines) await output.appendFile(line)
      })
      samples.push(path)
    }
  const results = join(folder, `${date}_results.json`)
  await replaceFile(results, jsonText(resultsObject(evaluation, options)))
  return { results, samples }
}

function* sampleLines({ task }: OpenTask, records: readonly ScoredRecord[]): Generator<string> {
  for (const { row, target, input, raw, answer, hash, score } of records) {
    const { values, details = {}, fallback = false, parsed = null } = score
    const filtered = typeof details.filtered === 'string' ? details.filtered : answer
    const sample = {
      doc_id: row,
      target,
      input,
      // As in lmms-eval only where it says something else.
      ...(filtered !== answer && { resps: [[answer]] }),
      filtered_resps: [filtered],
      doc_hash: hash,
      ...values,
      evolmm: { task: task.name, raw, values, parsed, fallback, details },
    }
    yield `${JSON.stringify(sample)}\n`
  }
}

function resultsObject(
  evaluation: Evaluation,
  { run, settings, opened, seconds, samplesOf }: WriteResultsOptions,
) {
  const { date, model, tasks } = evaluation
  const byTask = <T>(value: (one: OpenTask, result: TaskResult) => T): Record<string, T> =>
    Object.fromEntries(
      tasks.flatMap((result) => {
        const one = opened.find(({ task }) => task.name === result.task)
        return one ? [[result.task, value(one, result)]] : []
      }),
    )
  return {
    results: byTask((one, result) => ({ alias: one.task.name, ...metricEntries(one, result) })),
    group_subtasks: byTask(() => []),
    configs: byTask(configOf),
    versions: byTask(({ task }) => task.version),
    'n-shot': byTask(() => 0),
    higher_is_better: byTask(({ task }) => task.higherIsBetter),
    'n-samples': byTask((_, { rows, allRows }) => ({ original: allRows, effective: rows })),
    config: {
      model,
      model_args: Object.entries(run.identity)
        .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(','),
      // As lmms-eval writes it.
      batch_size: settings.batch_size ?? 'auto',
      gen_kwargs: run.generation,
      limit: run.limit,
      offset: run.offset,
      random_seed: run.seed,
    },
    git_hash: null,
    date,
    task_hashes: settings.log_samples ? byTask((one) => taskHash(samplesOf(one))) : {},
    model_source: 'evolmm',
    model_name: model,
    model_name_sanitized: folderName(model),
    total_evaluation_time_seconds: String(seconds),
    evolmm: { run, tasks: byTask((_, result) => result) },
  }
}

function metricEntries({ task }: OpenTask, { metrics, stderr }: TaskResult): Record<string, unknown> {
  const filter = task.filter ?? 'none'
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, value]) => [
      [`${name},${filter}`, value],
      [`${name}_stderr,${filter}`, stderr[name] ?? 'N/A'],
    ]),
  )
}

function configOf({ task, settings, until }: OpenTask): Record<string, unknown> {
  const { source } = task
  return {
    task: task.name,
    ...('dataset' in source
      ? { dataset_path: source.dataset, dataset_name: source.config, test_split: source.split }
      : { dataset_path: source.file, dataset_name: null, test_split: null }),
    output_type: 'generate_until',
    generation_kwargs: {
      max_new_tokens: settings.maxNewTokens,
      temperature: settings.temperature ?? 0,
      do_sample: (settings.temperature ?? 0) > 0,
      ...(settings.topP !== undefined && { top_p: settings.topP }),
      until,
    },
    repeats: 1,
    metadata: { version: task.version },
  }
}

/** The hash is lmms-eval's: that of the hashes of all rows. */
function taskHash(records: readonly ScoredRecord[]): string {
  return createHash('sha256')
    .update(records.map(({ hash }) => hash).join(''))
    .digest('hex')
}
