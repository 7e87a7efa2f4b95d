/**
 * Measures a policy on tasks, batch by batch. With `output_path` each batch is on the disk before the next one begins,
 * and a call with the same options continues where a killed one stopped; at the end there are lmms-eval's files.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { checkList, checkNames, checkObject, checkOneOf } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import type { OpenRowsOptions } from '@evolmm/dataset'
import { resolve, type GivenOf } from '@evolmm/settings'
import { EvolmmError } from '../errors'
import { asker, policyName, type Policy } from '../ask'
import type { Judge } from '../judge'
import { evaluateSettings } from '../settings'
import type { Task } from '../task'
import { folderName } from './folder-name'
import { memoryJournal, openJournal, type Journal, type ScoredRecord } from './journal'
import { describeRun, openTask, type GenerationOverrides, type OpenTask } from './selection'
import { progressMeter, type Progress } from './progress'
import { checkRows, runRows } from './run-rows'
import { summarize, type Evaluation, type TaskResult } from './summarize'
import { writeResults } from './write-results'

/** The settings by their names, and what no text can say. */
export interface EvaluateOptions extends Policy, GivenOf<typeof evaluateSettings> {
  tasks: readonly Task[]
  /** @default none; rows that need one are unscored, or fallbacks in mode `compat` */
  judge?: Judge | undefined
  /** What a task that would draw an option letter does instead. @default 'wrong' in mode `rule-based`, else 'random' */
  fallback?: 'random' | 'wrong' | undefined
  /** Settings that stand instead of what each task says. @default what each task says */
  generation?: GenerationOverrides | undefined
  /** The place of a task's data. @default the Hugging Face cache */
  data?: OpenRowsOptions | ((task: Task) => OpenRowsOptions) | undefined
  /** Stops the run between two batches with the signal's reason; what is done is kept. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** Hears of rows that cannot be asked, which are unscored. @default a Node process warning */
  onWarning?: WarningListener | undefined
  /** @default the clock */
  now?: (() => Date) | undefined
}

export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  checkObject('options', options)
  const { tasks, sampler, adapter, judge, fallback, generation = {}, data, signal, ...rest } = options
  const { onProgress, onWarning = emitWarning, now = () => new Date(), ...given } = rest
  const settings = resolve(evaluateSettings, given)
  checkNames('generation', generation, { maxNewTokens: true, temperature: true, topP: true, until: true })
  checkList('tasks', tasks)
  checkTasks(tasks)
  checkObject('sampler', sampler)
  if (fallback !== undefined) checkOneOf('fallback', fallback, ['random', 'wrong'])
  const run = {
    settings,
    judge: settings.mode === 'rule-based' ? undefined : judge,
    fallback,
    generation,
    signal,
  }
  const policy = { sampler, adapter }
  const model = policyName(policy)
  const started = now()
  const opened: OpenTask[] = []
  let journal: Journal | undefined
  try {
    // All data is opened first, so that what is missing shows before hours of work.
    for (const task of tasks)
      opened.push(await openTask(task, run, typeof data === 'function' ? data(task) : data))
    for (const one of opened) await checkRows(one)
    const description = describeRun(policy, run, opened)
    const fingerprint = createHash('sha256').update(JSON.stringify(description)).digest('hex').slice(0, 12)
    const folder = settings.output_path === null ? undefined : join(settings.output_path, folderName(model))
    journal = folder === undefined ? memoryJournal(now) : await openJournal({ folder, fingerprint, now })
    const { records } = journal
    const samplesOf = (one: OpenTask) => recordsOf(one, records)
    const onRows = progressMeter(opened, records, now, onProgress)
    const ask = asker(policy, { automatic: settings.batch_size === null })
    const results: TaskResult[] = []
    for (const one of opened) {
      await runRows(one, { ask, run, journal, onRows, onWarning })
      results.push(summarize(one, run, samplesOf(one)))
    }
    const evaluation: Evaluation = { date: journal.date, model, tasks: results }
    if (folder !== undefined) {
      const seconds = (now().getTime() - started.getTime()) / 1000
      const written = { run: description, settings, opened, samplesOf, seconds }
      evaluation.files = await writeResults(folder, evaluation, written)
    }
    await journal.remove()
    journal = undefined
    return evaluation
  } finally {
    await journal?.close()
    for (const one of opened) await one.data.close()
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

function checkTasks(tasks: readonly Task[]): void {
  const names = tasks.map(({ name }) => name)
  if (names.length === 0 || new Set(names).size < names.length)
    throw new EvolmmError(
      'INVALID_OPTION',
      `tasks: must be at least one, each once, got [${names.join(', ')}]; pass such a list`,
      { details: { option: 'tasks', names } },
    )
}
