/**
 * A run of a method on disk: the newest complete checkpoint taken up, every iteration tracked, checkpoints written. A kill
 * at any moment costs at most the iterations since the last checkpoint, which the run makes again, and the same.
 */
import { copyFile, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { checkInteger, checkOneOf } from '@evolmm/internal'
import { lockFile, makeFolder, unwritable } from '@evolmm/internal/node'
import { compareIdentity } from './checkpoint/compare-identity'
import { readCheckpoint } from './checkpoint/read-checkpoint'
import { removeLeftovers, retainCheckpoints } from './checkpoint/retain-checkpoints'
import { saveCheckpoint } from './checkpoint/save-checkpoint'
import { startingPoint } from './checkpoint/starting-point'
import type { Checkpoint } from './checkpoint/state'
import { entryOf } from './records/entry'
import { flushLog } from './log/flush-log'
import { keepLog } from './log/keep-log'
import { runLog } from './log/run-log'
import { logFile } from './log/scan-log'
import { endOfStep, truncateLog } from './log/truncate-log'
import type { Method, OpenMethod } from './method'
import { measure } from './probe'
import type { StepRecord } from './records/record'
import { readRunFile, writeRunFile, type RunFile } from './run-file'
import { guarded, type GuardedTracker } from './trackers/guarded'
import type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'
import { emitWarning, type WarningListener } from './warning'

export interface RunOptions<R extends StepRecord> {
  /** The folder of the run, where everything of it lies. */
  folder: string
  /** @default the name of the folder */
  name?: string | undefined
  /** The whole configuration, for the records. */
  config: Readonly<Record<string, unknown>>
  /** The part of it that what is learned depends on: a run that goes on must have the same. */
  identity: Readonly<Record<string, unknown>>
  /** Reads a stored identity as it would be stored today. @default as it is */
  readIdentity?:
    ((stored: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>) | undefined
  totalSteps: number
  /** Iterations from one checkpoint to the next, besides the one at the end; 0 for that one alone. */
  saveEvery: number
  /** Complete checkpoints that are kept. */
  maxCheckpoints: number
  /** A run goes on from the newest complete checkpoint of its folder, from none, or from the one in this folder. */
  resume: 'auto' | 'never' | { checkpoint: string }
  /** The version of evolmm, for the records. @default none */
  version?: string | null | undefined
  /** Trackers besides the log, which every run has. @default none */
  trackers?: readonly Tracker<R>[] | undefined
  /** Saves, and ends the run before the next iteration. */
  signal?: AbortSignal | undefined
  onRecord?: ((record: R) => void) | undefined
  /** Hears of the folder of each new checkpoint. */
  onCheckpoint?: ((folder: string) => void) | undefined
  /** @default a Node process warning */
  onWarning?: WarningListener | undefined
}

export async function run<R extends StepRecord>(
  method: Method<R>,
  options: RunOptions<R>,
): Promise<RunOutcome> {
  const settled = settle(options)
  const { folder, identity, readIdentity, resume, signal, onWarning } = settled
  await makeFolder(folder).catch(unwritable(folder))
  const unlock = await lockFile(join(folder, 'run.lock')).catch(unwritable(folder))
  const cleanups: (() => unknown)[] = []
  try {
    await removeLeftovers(folder).catch(unwritable(folder))
    const log = logFile(folder, method)
    const found = await startingPoint(folder, { resume, identity, readIdentity, log, onWarning })
    const from = found && (await readCheckpoint(found.folder))
    if (from !== undefined) compareIdentity(from.folder, readIdentity(from.identity), identity)
    const opened = await method.open({ from, signal, onWarning, defer: (each) => cleanups.unshift(each) })
    const info = await begin(method, opened, from, settled)
    return await follow(method, opened, info, settled)
  } finally {
    for (const cleanup of cleanups) await cleanup()
    await unlock()
    // A run that could not begin leaves nothing behind.
    await rmdir(folder).catch(() => undefined)
  }
}

/** The options with their defaults, checked before anything is opened. */
function settle<R extends StepRecord>(options: RunOptions<R>) {
  const { resume, onWarning = emitWarning, signal = new AbortController().signal } = options
  const folder = resolve(options.folder)
  return {
    ...options,
    folder,
    readIdentity: options.readIdentity ?? ((stored) => stored),
    name: options.name ?? basename(folder),
    totalSteps: checkInteger('totalSteps', options.totalSteps, { min: 0 }),
    saveEvery: checkInteger('saveEvery', options.saveEvery, { min: 0 }),
    maxCheckpoints: checkInteger('maxCheckpoints', options.maxCheckpoints, { min: 1 }),
    resume: typeof resume === 'string' ? checkOneOf('resume', resume, ['auto', 'never']) : resume,
    signal,
    onWarning,
  }
}

type Settled<R extends StepRecord> = ReturnType<typeof settle<R>>

/** Makes folder, `run.json` and log ready for the first iteration that is left. */
async function begin<R extends StepRecord>(
  method: Method<R>,
  opened: OpenMethod<R>,
  from: Checkpoint | undefined,
  { folder, name, config, identity, totalSteps, saveEvery, version = null, onWarning }: Settled<R>,
): Promise<RunInfo> {
  const startStep = from?.step ?? 0
  const branchOf = from && dirname(from.folder) !== folder ? dirname(from.folder) : undefined
  if (branchOf !== undefined) await endOfStep(branchOf, method, startStep)
  const before = await readRunFile(folder)
  const file: RunFile = before ?? {
    schema_version: 1,
    method: method.name,
    name,
    started: new Date().toISOString(),
    versions: { evolmm: version, node: process.versions.node, ...opened.versions },
    config,
    identity,
    ...opened.facts,
    probe: opened.probe === undefined ? null : await opened.probe.run(),
  }
  // Nothing was written up to here.
  if (before === undefined) await writeRunFile(folder, file)
  const log = logFile(folder, method)
  await keepLog(log, { startStep, saveEvery: leastSaveEvery(saveEvery, file), onWarning })
  if (branchOf !== undefined) await copyFile(logFile(branchOf, method), log).catch(unwritable(log))
  await truncateLog(folder, method, startStep)
  return { name: file.name, folder, config, totalSteps, startStep, probe: file.probe }
}

/** Iterations that a run can have made beyond its newest checkpoint, now or when it began. */
function leastSaveEvery(now: number, { config }: RunFile): number {
  const then = config.save_every
  return typeof then === 'number' ? Math.min(now, then) : now
}

async function follow<R extends StepRecord>(
  method: Method<R>,
  opened: OpenMethod<R>,
  info: RunInfo,
  options: Settled<R>,
): Promise<RunOutcome> {
  const { folder, identity, saveEvery, maxCheckpoints, onWarning } = options
  const trackers = await startTrackers(method, info, options)
  let [step, logged, saved] = [info.startStep, info.startStep, info.startStep]
  const save = async () => {
    await flushLog(logFile(folder, method), trackers)
    const checkpoint = await saveCheckpoint({ folder, step, identity, state: opened.state() })
    saved = step
    await retainCheckpoints(folder, maxCheckpoints)
    options.onCheckpoint?.(checkpoint)
  }
  const finish = async (status: RunOutcome['status']): Promise<RunOutcome> => {
    const outcome = { step, status }
    await trackers.finish(outcome)
    return outcome
  }

  try {
    for await (const record of opened.records) {
      step = record.step
      await measure(record, opened.probe, { totalSteps: info.totalSteps, onWarning })
      await trackers.log(entryOf(method, record))
      logged = step
      options.onRecord?.(record)
      if (saveEvery > 0 && step % saveEvery === 0) await save()
    }
    if (step > saved) await save()
    await retainCheckpoints(folder, maxCheckpoints)
    if (step >= info.totalSteps) await opened.finish?.()
  } catch (error) {
    // The state is that of the last whole iteration: it is worth keeping, whatever went wrong after it.
    if (step > saved && step === logged) await save().catch(() => undefined)
    await finish('failed')
    throw error
  }
  return finish(step >= info.totalSteps ? 'finished' : 'stopped')
}

/** The log must begin, or the run cannot; the others may fail. */
async function startTrackers<R extends StepRecord>(
  method: Method<R>,
  info: RunInfo,
  { trackers = [], onWarning }: Settled<R>,
): Promise<GuardedTracker<R>> {
  const { start, ...log } = runLog(method)
  await start(info)
  const all = guarded([log, ...trackers], { onWarning })
  await all.start(info)
  return all
}
