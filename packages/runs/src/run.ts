/**
 * A run of a method on disk: the newest complete checkpoint taken up, every iteration tracked, checkpoints written. A kill
 * at any moment costs at most the iterations since the last checkpoint, which the run makes again, and the same.
 */
import { checkNames, checkObject } from '@evolmm/internal'
import { copyFile, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { lockFile, makeFolder, removeLeftovers, unwritable } from '@evolmm/internal/node'
import {
  checkResolved,
  identityOf,
  settingsData,
  storedIdentity,
  type Rows,
  type Settings,
} from '@evolmm/settings'
import { compareIdentity } from './checkpoint/compare-identity'
import { freeBytes } from './checkpoint/free-bytes'
import { readCheckpoint } from './checkpoint/read-checkpoint'
import { retainCheckpoints } from './checkpoint/retain-checkpoints'
import { checkRoom, roomWatch } from './checkpoint/room'
import { saveCheckpoint } from './checkpoint/save-checkpoint'
import { startingPoint } from './checkpoint/starting-point'
import type { Checkpoint } from './checkpoint/state'
import { entryOf } from './records/entry'
import { flushLog } from './log/flush-log'
import { keepLog } from './log/keep-log'
import { runLog, type RunLog } from './log/run-log'
import { logFile } from './log/scan-log'
import { endOfStep, truncateLog } from './log/truncate-log'
import type { Method, OpenMethod } from './method'
import { measure } from './probe'
import type { StepRecord } from './records/record'
import type { RecordKind } from './records/record-kind'
import { readRunFile, writeRunFile, type RunFile } from './run-file'
import type { RunRows, RunSettings } from './settings'
import { chosenTrackers } from './trackers/chosen-trackers'
import { guarded, type GuardedTracker } from './trackers/guarded'
import type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'

export interface RunOptions<R extends StepRecord, S extends Rows> {
  /** The folder of the run, where everything of it lies. */
  folder: string
  /** @default the name of the folder */
  name?: string | undefined
  /** The settings as `resolve(method.schema, given)` returns them. */
  settings: Settings<S>
  /** What a run depends on besides its settings, such as a digest of its data: one that goes on must have the same. */
  depends?: Readonly<Record<string, unknown>> | undefined
  /** The version of evolmm, for the records. @default none */
  version?: string | null | undefined
  /** Trackers besides the log, which every run has, and those that the settings ask for. @default none */
  trackers?: readonly Tracker<R>[] | undefined
  /** Saves, and ends the run before the next iteration. */
  signal?: AbortSignal | undefined
  onRecord?: ((record: R) => void) | undefined
  /** Hears of the folder of each new checkpoint. */
  onCheckpoint?: ((folder: string) => void) | undefined
  /** Bytes that are free where a folder is; `undefined` where nobody knows. @default what the file system says */
  freeBytes?: ((folder: string) => Promise<number | undefined>) | undefined
  /** @default a Node process warning */
  onWarning?: WarningListener | undefined
}

/**
 * Throws `OUTPUT_IN_USE`, `WOULD_OVERWRITE`, `NO_SPACE`, `OTHER_CONFIGURATION`, `INVALID_CHECKPOINT`, `NEWER_CHECKPOINT`, what
 * reading and writing throws, and what the method throws.
 */
export async function run<R extends StepRecord, S extends Rows & RunRows>(
  method: Method<R, S>,
  options: RunOptions<R, S>,
): Promise<RunOutcome> {
  checkNames('run', options, {
    folder: true,
    name: true,
    settings: true,
    depends: true,
    version: true,
    trackers: true,
    signal: true,
    onRecord: true,
    onCheckpoint: true,
    freeBytes: true,
    onWarning: true,
  })
  checkObject('method', method)
  checkObject('method.schema', method.schema)
  const settled = settle(method, options)
  const { folder, signal, onWarning } = settled
  await makeFolder(folder).catch(unwritable(folder))
  const unlock = await lockFile(join(folder, 'run.lock')).catch(unwritable(folder))
  const cleanups: (() => unknown)[] = []
  try {
    for (const beginning of ['step_', 'run.json.', 'report.html.'])
      await removeLeftovers(folder, beginning).catch(unwritable(folder))
    const from = await checkpointToGoOnFrom(method, settled)
    const opened = await method.open({
      ...{ settings: options.settings, from, signal, onWarning },
      defer: (cleanup) => cleanups.unshift(cleanup),
    })
    await checkRoom(roomOf(opened, settled), from?.step ?? 0, settled.settings)
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
function settle<R extends StepRecord, S extends Rows & RunRows>(
  { schema, formerIdentity = (stored) => stored }: Method<R, S>,
  options: RunOptions<R, S>,
) {
  const { onWarning = emitWarning, signal = new AbortController().signal, trackers = [] } = options
  checkResolved(schema, options.settings)
  const settings: RunSettings = options.settings
  const folder = resolve(options.folder)
  const identity = { ...identityOf(schema, options.settings), ...options.depends }
  return {
    ...options,
    folder,
    name: options.name ?? basename(folder),
    settings,
    config: settingsData(schema, options.settings),
    identity,
    readIdentity: (stored: Readonly<Record<string, unknown>>) =>
      storedIdentity(schema, formerIdentity(stored, identity)),
    trackers: [...trackers, ...chosenTrackers(settings, onWarning)],
    signal,
    onWarning,
  }
}

type Settled<R extends StepRecord> = Omit<ReturnType<typeof settle<R, RunRows>>, 'settings'> & {
  settings: RunSettings
}

function roomOf<R extends StepRecord>(
  { checkpointBytes, state }: OpenMethod<R>,
  { folder, freeBytes: free = freeBytes }: Settled<R>,
) {
  const vectors = () => Object.values(state().tensors).reduce((sum, { byteLength }) => sum + byteLength, 0)
  return { folder, bytes: checkpointBytes ?? vectors(), free }
}

async function checkpointToGoOnFrom<R extends StepRecord>(
  method: RecordKind<R>,
  { folder, settings, identity, readIdentity, onWarning }: Settled<R>,
): Promise<Checkpoint | undefined> {
  const { resume } = settings
  const found = await startingPoint(folder, {
    resume: resume === 'auto' || resume === 'never' ? resume : { checkpoint: resume },
    ...{ identity, readIdentity, log: logFile(folder, method), onWarning },
  })
  if (found === undefined) return undefined
  const from = await readCheckpoint(found.folder)
  compareIdentity(from.folder, readIdentity(from.identity), identity)
  return from
}

/** Makes folder, `run.json` and log ready for the first iteration that is left. */
async function begin<R extends StepRecord>(
  method: RecordKind<R>,
  opened: OpenMethod<R>,
  from: Checkpoint | undefined,
  { folder, name, settings, config, identity, version = null, onWarning }: Settled<R>,
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
  await keepLog(log, {
    startStep,
    saveEvery: leastOf('save_every', settings, file),
    totalSteps: leastOf('total_steps', settings, file),
    onWarning,
  })
  if (branchOf !== undefined) await copyFile(logFile(branchOf, method), log).catch(unwritable(log))
  await truncateLog(folder, method, startStep)
  return { name: file.name, folder, config, totalSteps: settings.total_steps, startStep, probe: file.probe }
}

/** The smaller number of what a setting is now and what it was when the run began; 0 stands for none. */
function leastOf(name: 'save_every' | 'total_steps', settings: RunSettings, { config }: RunFile): number {
  const numbers = [settings[name], config[name]].filter((each) => typeof each === 'number' && each > 0)
  return numbers.length === 0 ? 0 : Math.min(...(numbers as number[]))
}

async function follow<R extends StepRecord>(
  method: RecordKind<R>,
  opened: OpenMethod<R>,
  info: RunInfo,
  options: Settled<R>,
): Promise<RunOutcome> {
  const { folder, identity, onWarning } = options
  const { save_every: saveEvery, max_checkpoints: maxCheckpoints } = options.settings
  const log = runLog(method)
  const trackers = await startTrackers(log, info, options)
  const watchRoom = roomWatch(roomOf(opened, options), onWarning)
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
    await log.abandon()
    return outcome
  }

  try {
    for await (const record of opened.records) {
      step = record.step
      await measure(record, opened.probe, { totalSteps: info.totalSteps, onWarning })
      await trackers.log(entryOf(method, record))
      logged = step
      options.onRecord?.(record)
      await watchRoom(saved)
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
  { start, ...log }: RunLog<R>,
  info: RunInfo,
  { trackers, onWarning }: Settled<R>,
): Promise<GuardedTracker<R>> {
  await start(info)
  const all = guarded([log, ...trackers], { onWarning })
  await all.start(info)
  return all
}
