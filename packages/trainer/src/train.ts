/**
 * A run on disk: models and images opened, the newest complete checkpoint taken up, every iteration tracked, checkpoints
 * written. The loop itself is `evolve`.
 */
import { copyFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { openImageDataset, type DatasetOptions, type ImageDataset } from '@evolmm/dataset'
import { EvolmmError } from '@evolmm/internal'
import { lockFile } from '@evolmm/internal/node'
import {
  loadVlm,
  makeFolder,
  runtimeVersion,
  type Adapter,
  type LoadVlmOptions,
  type SaveOptions,
  type Vlm,
} from '@evolmm/vlm'
import { findCheckpoints, type FoundCheckpoint } from './checkpoint/find-checkpoints'
import { loadCheckpoint } from './checkpoint/load-checkpoint'
import { removeLeftovers, retainCheckpoints } from './checkpoint/retain-checkpoints'
import { saveCheckpoint } from './checkpoint/save-checkpoint'
import { evolve } from './evolve'
import type { EvolveOptions } from './options'
import type { IterationRecord } from './record'
import { readRunFile, writeRunFile, type RunFile } from './run-file'
import { startState, type TrainerState } from './state'
import { guarded, type GuardedTracker } from './trackers/guarded'
import { iterLog } from './trackers/iter-log'
import { iterLogFile } from './trackers/scan-iter-log'
import { truncateIterLog } from './trackers/truncate-iter-log'
import type { RunInfo, RunOutcome, Tracker } from './trackers/tracker'
import { unwritable } from './unwritable'
import { compareIdentity } from './checkpoint/compare-identity'

export interface TrainOptions {
  /** Folder of the run, where everything of it lies. */
  folder: string
  /** @default the folder's name */
  name?: string
  solver: RoleOptions
  proposer: RoleOptions
  /** How the models are opened. */
  load?: LoadVlmOptions
  data: DatasetOptions
  /** The loop's own settings. */
  evolve?: Omit<EvolveOptions, 'solver' | 'proposer' | 'images' | 'state' | 'signal' | 'onWarning'>
  /** A checkpoint every so many iterations, and one at the end; 0 for none but that. @default 50 */
  saveEvery?: number
  /** Complete checkpoints that are kept. @default 2 */
  maxCheckpoints?: number
  /** @default 'current' */
  adapterLayout?: SaveOptions['layout']
  /** From the newest complete checkpoint of the folder, from a given one, or from the start. @default 'auto' */
  resume?: 'auto' | 'never' | { checkpoint: string }
  /** The whole configuration, for the records. @default {} */
  config?: Readonly<Record<string, unknown>>
  /** The part of it that what is learned depends on: a resumed run must have the same. @default config */
  identity?: Readonly<Record<string, unknown>>
  /** Of evolmm, for the records. @default none */
  version?: string | null
  /** Besides the log of iterations, which every run has. @default none */
  trackers?: readonly Tracker[]
  probe?: Probe
  /** Saves, and ends the run before the next iteration. */
  signal?: AbortSignal
  onStart?: (run: RunInfo, adapters: { solver: Adapter; proposer: Adapter }) => void
  onRecord?: (record: IterationRecord) => void
  onCheckpoint?: (folder: string) => void
  /** @default a Node process warning */
  onWarning?: (message: string) => void
}

export interface RoleOptions {
  /** Folder or hub id; the backbone is shared when both roles have the same. */
  model: string
  /** @default all weights are trained */
  lora?: { rank: number; alpha: number; dropout: number; targets: readonly string[] }
  /** Also the vision tower's modules or weights. @default false */
  vision?: boolean
  /** An adapter to begin with: folder or hub id. */
  adapter?: string
}

/** A small evaluation before the first iteration, every so many, and after the last: named numbers. */
export interface Probe {
  /** 0 for none in between. */
  every: number
  run: (policy: { vlm: Vlm; adapter: Adapter }) => Promise<Record<string, number>>
}

export async function train(options: TrainOptions): Promise<RunOutcome> {
  const folder = resolve(options.folder)
  const {
    onWarning = (message: string) => {
      process.emitWarning(message)
    },
  } = options
  await makeFolder(folder).catch(unwritable(folder))
  const unlock = await lockFile(join(folder, 'run.lock')).catch(unwritable(folder))
  await removeLeftovers(folder)
  let models: Record<'solver' | 'proposer', Vlm> | undefined
  try {
    const from = await startingPoint(folder, options, onWarning)
    models = await openModels(options)
    return await run(folder, { ...options, onWarning }, models, from)
  } finally {
    await models?.solver.dispose()
    if (models !== undefined && models.proposer !== models.solver) await models.proposer.dispose()
    await unlock()
  }
}

async function run(
  folder: string,
  options: TrainOptions & { onWarning: (message: string) => void },
  models: Record<'solver' | 'proposer', Vlm>,
  from: FoundCheckpoint | undefined,
): Promise<RunOutcome> {
  const {
    solver,
    proposer,
    config = {},
    identity = config,
    probe,
    saveEvery = 50,
    maxCheckpoints = 2,
    onWarning,
  } = options
  const open = (state?: ImageDataset['state']) =>
    openImageDataset({
      ...options.data,
      state,
      onWarning: ({ message }) => {
        onWarning(message)
      },
    })
  const { state, dataset } =
    from === undefined
      ? { state: await freshState(options, models), dataset: undefined }
      : await loadCheckpoint({
          folder: from.folder,
          models: {
            solver: { vlm: models.solver, ...kindOf(solver) },
            proposer: { vlm: models.proposer, ...kindOf(proposer) },
          },
          identity,
        })
  const images = await open(dataset)
  // Nothing was written up to here.
  if (from !== undefined && dirname(from.folder) !== folder)
    await copyFile(iterLogFile(dirname(from.folder)), iterLogFile(folder))
  await truncateIterLog(folder, state.step)
  const probed = async () => probe?.run({ vlm: models.solver, adapter: state.solver.adapter }) ?? null
  const file = await beginning(folder, options, images, probed)
  const info: RunInfo = {
    name: file.name,
    folder,
    config,
    totalSteps: options.evolve?.totalSteps ?? 100,
    startStep: state.step,
    probe: file.probe,
  }
  const log = iterLog()
  await log.start(info)
  const trackers = guarded([{ ...log, start: () => undefined }, ...(options.trackers ?? [])], {
    onWarning: ({ message }) => {
      onWarning(message)
    },
  })
  await trackers.start(info)
  options.onStart?.(info, { solver: state.solver.adapter, proposer: state.proposer.adapter })

  let saved = state.step
  const save = async () => {
    await trackers.flush()
    checkLogged(folder, trackers)
    const checkpoint = await saveCheckpoint({
      folder,
      state,
      models: {
        solver: { vlm: models.solver, name: solver.model },
        proposer: { vlm: models.proposer, name: proposer.model },
      },
      dataset: images.state,
      identity,
      adapterLayout: options.adapterLayout,
    })
    saved = state.step
    await retainCheckpoints(folder, maxCheckpoints)
    options.onCheckpoint?.(checkpoint)
  }
  const finish = async (status: RunOutcome['status']): Promise<RunOutcome> => {
    const outcome = { step: state.step, status }
    await trackers.finish(outcome)
    return outcome
  }

  try {
    const loop = evolve({
      ...options.evolve,
      solver: models.solver,
      proposer: models.proposer,
      images,
      state,
      signal: options.signal,
      onWarning,
    })
    for await (const record of loop) {
      if (probe !== undefined && isDue(record.step, probe.every, info.totalSteps)) {
        const start = performance.now()
        record.probe = await probed()
        record.seconds.probe = (performance.now() - start) / 1000
        record.seconds.total += record.seconds.probe
      }
      await trackers.log(record)
      options.onRecord?.(record)
      if (saveEvery > 0 && record.step % saveEvery === 0) await save()
    }
    if (state.step > saved) await save()
    await retainCheckpoints(folder, maxCheckpoints)
  } catch (error) {
    // The state is that of the last whole iteration: it is worth keeping, whatever went wrong after it.
    if (state.step > saved) await save().catch(() => undefined)
    await finish('failed')
    throw error
  }
  return finish(state.step >= info.totalSteps ? 'finished' : 'stopped')
}

/** A run cannot go on from a checkpoint that its log does not reach. */
function checkLogged(folder: string, trackers: GuardedTracker): void {
  const missing = trackers.counts().find(({ name }) => name === 'iter_log')?.missing ?? 0
  if (missing === 0) return
  throw new EvolmmError(
    'UNWRITABLE_FILE',
    `${iterLogFile(folder)}: must have every iteration before a checkpoint is written, got ${missing} that could not be ` +
      'written; free space, check the rights of the folder, and start the run again',
    { details: { folder, missing } },
  )
}

function isDue(step: number, every: number, total: number): boolean {
  return step === total || (every > 0 && step % every === 0)
}

/** The checkpoint that the run goes on from, if any. */
async function startingPoint(
  folder: string,
  { resume = 'auto', config = {}, identity = config }: TrainOptions,
  onWarning: (message: string) => void,
): Promise<FoundCheckpoint | undefined> {
  const begun = await readRunFile(folder)
  if (begun !== undefined && resume === 'never')
    throw occupied(folder, 'a run that began before', 'resume it, or choose another run name')
  if (begun !== undefined) compareIdentity(folder, begun.identity, identity)
  const found = await findCheckpoints(folder)
  for (const each of found)
    if (!each.complete) onWarning(`${each.folder}: was not written to its end; it is passed over`)
  const newest = found.filter(({ complete }) => complete).at(-1)
  if (resume === 'auto') return newest
  if (resume === 'never') return undefined
  const wanted = resolve(resume.checkpoint)
  const chosen = (await findCheckpoints(dirname(wanted))).find((each) => each.folder === wanted)
  if (chosen?.complete !== true)
    throw new EvolmmError(
      'INVALID_CHECKPOINT',
      `resume: must be the folder of a complete checkpoint, got ${wanted}; choose a step_NNNNN with SAVE_OK in it`,
      { details: { folder: wanted } },
    )
  if (newest !== undefined && newest.folder !== wanted)
    throw occupied(
      folder,
      `the later checkpoint ${newest.folder}`,
      'choose another run name to branch off, or move the later ones away',
    )
  return chosen
}

function occupied(folder: string, what: string, how: string): EvolmmError {
  return new EvolmmError(
    'WOULD_OVERWRITE',
    `${folder}: must have nothing that the run would overwrite, got ${what}; ${how}`,
    {
      details: { folder },
    },
  )
}

async function openModels({
  solver,
  proposer,
  load = {},
}: TrainOptions): Promise<Record<'solver' | 'proposer', Vlm>> {
  const shared = await loadVlm(solver.model, load)
  return {
    solver: shared,
    proposer: proposer.model === solver.model ? shared : await loadVlm(proposer.model, load),
  }
}

async function freshState(
  options: TrainOptions,
  models: Record<'solver' | 'proposer', Vlm>,
): Promise<TrainerState> {
  const seed = options.evolve?.seed ?? 42
  const open = async (role: 'solver' | 'proposer', place: number): Promise<Adapter> => {
    const { lora, vision = false, adapter } = options[role]
    if (lora === undefined) return models[role].trainWeights({ vision })
    if (adapter !== undefined) return models[role].loadAdapter(adapter)
    // Two roles, two beginnings.
    return models[role].createAdapter({ ...lora, vision, seed: seed * 2 + place })
  }
  return startState({ solver: await open('solver', 0), proposer: await open('proposer', 1) })
}

function kindOf({ lora, vision = false }: RoleOptions) {
  return { kind: lora === undefined ? ('full' as const) : ('lora' as const), vision }
}

/** What was true when the run began: read back for one that goes on. */
async function beginning(
  folder: string,
  { name = basename(folder), config = {}, identity = config, version = null }: TrainOptions,
  images: ImageDataset,
  probed: () => Promise<Record<string, number> | null>,
): Promise<RunFile> {
  const known = await readRunFile(folder)
  if (known !== undefined) return known
  const content: RunFile = {
    schema_version: 1,
    name,
    started: new Date().toISOString(),
    versions: { evolmm: version, node: process.versions.node, onnxruntime: runtimeVersion() },
    config,
    identity,
    images: { root: images.root, count: images.length },
    probe: await probed(),
  }
  await writeRunFile(folder, content)
  return content
}
