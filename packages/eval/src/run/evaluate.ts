/**
 * Measures a policy on tasks, batch by batch. With `outputPath` each batch is on the disk before the next one begins,
 * and a call with the same options continues where a killed one stopped; at the end there are lmms-eval's files.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { checkInteger, checkOneOf } from '@evolmm/internal'
import type { OpenRowsOptions } from '@evolmm/dataset'
import { EvolmmError } from '../errors'
import { asker, policyName, type Policy } from '../ask'
import type { Judge } from '../judge'
import type { ScoringMode, Task } from '../task'
import { folderName } from './folder-name'
import { memoryJournal, openJournal, type Journal, type ScoredRecord } from './journal'
import {
  checkLimit,
  describeRun,
  openTask,
  type GenerationOverrides,
  type OpenTask,
  type RunSettings,
} from './plan'
import { progressMeter, type Progress } from './progress'
import { defaultSystem } from './row-request'
import { checkRows, runRows } from './run-rows'
import { summarize, type Evaluation, type TaskResult } from './summarize'
import { writeResults } from './write-results'

export interface EvaluateOptions extends Policy {
  tasks: readonly Task[]
  /** Rows of each task; below 1 a share of them. @default all */
  limit?: number | undefined
  /** Rows of each task that are passed over first. @default 0 */
  offset?: number | undefined
  /** Requests at a time. @default 1 */
  batchSize?: number | undefined
  /** The seed of everything that is drawn. @default 0 */
  seed?: number | undefined
  /** @default 'fixed' */
  mode?: ScoringMode | undefined
  /** @default none; rows that need one are unscored, or fallbacks in mode `compat` */
  judge?: Judge | undefined
  /** What a task that would draw an option letter does instead. @default 'wrong' in mode `rule-based`, else 'random' */
  fallback?: 'random' | 'wrong' | undefined
  /** System message; an empty one leaves it to the model. @default 'You are a helpful assistant.' */
  system?: string | undefined
  /** Settings that stand instead of what each task says. @default what each task says */
  generation?: GenerationOverrides | undefined
  /** The place of a task's data. @default the Hugging Face cache */
  data?: OpenRowsOptions | ((task: Task) => OpenRowsOptions) | undefined
  /** Folder of the results. @default nothing is stored, and nothing can be resumed */
  outputPath?: string | undefined
  /** Write `…_samples_<task>.jsonl`, which comparisons need. @default true */
  logSamples?: boolean | undefined
  /** A suffix behind the task in the names of these files. @default none */
  samplesSuffix?: string | undefined
  /** Stops the run between two batches with the signal's reason; what is done is kept. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** @default the clock */
  now?: (() => Date) | undefined
}

export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const settings = checkOptions(options)
  const model = policyName(options)
  const now = options.now ?? (() => new Date())
  const started = now()
  const opened: OpenTask[] = []
  let journal: Journal | undefined
  try {
    // All data is opened first, so that what is missing shows before hours of work.
    for (const task of options.tasks) {
      const where = typeof options.data === 'function' ? options.data(task) : options.data
      opened.push(await openTask(task, settings, where))
    }
    for (const one of opened) await checkRows(one)
    const run = describeRun(options, settings, opened)
    const fingerprint = createHash('sha256').update(JSON.stringify(run)).digest('hex').slice(0, 12)
    const folder = options.outputPath === undefined ? undefined : join(options.outputPath, folderName(model))
    journal = folder === undefined ? memoryJournal(now) : await openJournal({ folder, fingerprint, now })
    const { records } = journal
    const meter = progressMeter(opened, records, now, options.onProgress)
    const ask = asker(options)
    const tasks: TaskResult[] = []
    for (const one of opened) {
      await runRows(one, { ask, settings, journal, onRows: meter })
      tasks.push(summarize(one, settings, recordsOf(one, records)))
    }
    const evaluation: Evaluation = { date: journal.date, model, tasks }
    if (folder !== undefined)
      evaluation.files = await writeResults(folder, evaluation, {
        run,
        batchSize: settings.batchSize,
        samplesSuffix: options.samplesSuffix,
        opened,
        samples: options.logSamples === false ? undefined : (one) => recordsOf(one, records),
        seconds: (now().getTime() - started.getTime()) / 1000,
      })
    await journal.remove()
    journal = undefined
    return evaluation
  } finally {
    await journal?.close()
    for (const { data } of opened) await data.close()
  }
}

function recordsOf({ task, start, end }: OpenTask, records: Journal['records']): ScoredRecord[] {
  return [...(records.get(task.name)?.values() ?? [])]
    .filter(
      (record): record is ScoredRecord =>
        record.row >= start && record.row < end && record.score !== undefined,
    )
    .sort((a, b) => a.row - b.row)
}

function checkOptions(options: EvaluateOptions): RunSettings {
  const names = options.tasks.map(({ name }) => name)
  if (names.length === 0 || new Set(names).size < names.length)
    throw new EvolmmError(
      'INVALID_OPTION',
      `tasks: must be at least one, each once, got [${names.join(', ')}]; pass such a list`,
      { details: { option: 'tasks', names } },
    )
  const { fallback, generation = {} } = options
  if (fallback !== undefined) checkOneOf('fallback', fallback, ['random', 'wrong'])
  return {
    limit: checkLimit(options.limit),
    offset: checkInteger('offset', options.offset ?? 0, { min: 0 }),
    batchSize: checkInteger('batchSize', options.batchSize ?? 1, { min: 1 }),
    seed: checkInteger('seed', options.seed ?? 0, { min: 0 }),
    mode: checkOneOf('mode', options.mode ?? 'fixed', ['compat', 'fixed', 'rule-based']),
    judge: options.mode === 'rule-based' ? undefined : options.judge,
    fallback,
    system: options.system ?? defaultSystem,
    generation,
    signal: options.signal,
  }
}
