/**
 * A run on disk: models and images opened, the newest complete checkpoint taken up, every iteration tracked, checkpoints
 * written. The loop itself is `evolve`.
 */
import { copyFile, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { openImageDataset, type ImageDataset } from '@evolmm/dataset'
import { checkInteger, checkOneOf, EvolmmError } from '@evolmm/internal'
import { lockFile, makeFolder, unwritable } from '@evolmm/internal/node'
import { loadVlm, runtimeVersion, type Adapter, type Vlm } from '@evolmm/vlm'
import { checkOptions } from './check-options'
import type { FoundCheckpoint } from './checkpoint/find-checkpoints'
import { loadCheckpoint, readTrainerState } from './checkpoint/load-checkpoint'
import { removeLeftovers, retainCheckpoints } from './checkpoint/retain-checkpoints'
import { saveCheckpoint } from './checkpoint/save-checkpoint'
import { startingPoint } from './checkpoint/starting-point'
import { evolve } from './evolve'
import { emitWarning } from './options'
import { readRunFile, writeRunFile, type RunFile } from './run-file'
import { settingsOf } from './settings-of'
import { startState, type TrainerState } from './state'
import { flushLog } from './trackers/flush-log'
import { guarded } from './trackers/guarded'
import { iterLog } from './trackers/iter-log'
import { nothingAsked } from './trackers/nothing-asked'
import { iterLogFile } from './trackers/scan-iter-log'
import { endOfStep, truncateIterLog } from './trackers/truncate-iter-log'
import type { RunInfo, RunOutcome } from './trackers/tracker'
import type { TrainOptions } from './train-options'

export async function train(options: TrainOptions): Promise<RunOutcome> {
  const folder = resolve(options.folder)
  const settled = settle(options)
  await makeFolder(folder).catch(unwritable(folder))
  const unlock = await lockFile(join(folder, 'run.lock')).catch(unwritable(folder))
  const models: Vlm[] = []
  try {
    await removeLeftovers(folder).catch(unwritable(folder))
    const from = await startingPoint(folder, settled)
    const images = await openImages(settled, from)
    // One after the other, so that each is disposed of.
    models.push(await loadVlm(options.solver.model, options.load))
    if (options.proposer.model !== options.solver.model)
      models.push(await loadVlm(options.proposer.model, options.load))
    const [solver, proposer = solver] = models
    return await run(folder, settled, { solver, proposer }, images, from)
  } finally {
    for (const model of models) await model.dispose()
    await unlock()
    // A run that could not begin leaves nothing behind.
    await rmdir(folder).catch(() => undefined)
  }
}

type Models = Record<'solver' | 'proposer', Vlm>
type Settled = ReturnType<typeof settle>

/** With its defaults, and checked as far as it can be before anything is opened. */
function settle(options: TrainOptions) {
  const { evolve: loop = {}, config = settingsOf(options), probe, resume = 'auto' } = options
  checkOptions(loop)
  checkInteger('probe.every', probe?.every ?? 0, { min: 0 })
  return {
    ...options,
    evolve: loop,
    config,
    identity: options.identity ?? config,
    resume: typeof resume === 'string' ? checkOneOf('resume', resume, ['auto', 'never']) : resume,
    saveEvery: checkInteger('saveEvery', options.saveEvery ?? 50, { min: 0 }),
    maxCheckpoints: checkInteger('maxCheckpoints', options.maxCheckpoints ?? 2, { min: 1 }),
    onWarning: options.onWarning ?? emitWarning,
  }
}

/** What is known of the images goes on with the run. */
async function openImages(
  { data, onWarning }: Settled,
  from: FoundCheckpoint | undefined,
): Promise<ImageDataset> {
  return openImageDataset({
    ...data,
    state: from && (await readTrainerState(from.folder)).dataset,
    onWarning: ({ message }) => {
      onWarning(message)
    },
  })
}

async function run(
  folder: string,
  options: Settled,
  models: Models,
  images: ImageDataset,
  from: FoundCheckpoint | undefined,
): Promise<RunOutcome> {
  const { solver, proposer, identity, config, probe, saveEvery, maxCheckpoints, onWarning } = options
  const opened = {
    solver: { vlm: models.solver, name: solver.model, vision: solver.vision ?? false },
    proposer: { vlm: models.proposer, name: proposer.model, vision: proposer.vision ?? false },
  }
  const { state } =
    from === undefined
      ? { state: await freshState(options, models) }
      : await loadCheckpoint({ folder: from.folder, models: opened, identity })
  const branchOf = from && dirname(from.folder) !== folder ? dirname(from.folder) : undefined
  if (branchOf !== undefined) await endOfStep(branchOf, state.step)
  const probed = async () => probe?.run({ vlm: models.solver, adapter: state.solver.adapter }) ?? null
  // Nothing was written up to here.
  const file = await beginning(folder, options, images, probed)
  if (branchOf !== undefined)
    await copyFile(iterLogFile(branchOf), iterLogFile(folder)).catch(unwritable(iterLogFile(folder)))
  await truncateIterLog(folder, state.step)
  const info: RunInfo = {
    name: file.name,
    folder,
    config,
    totalSteps: options.evolve.totalSteps ?? 100,
    startStep: state.step,
    probe: file.probe,
  }
  const log = iterLog()
  await log.start(info)
  const begun = { ...log, start: () => undefined }
  const trackers = guarded([begun, nothingAsked(onWarning), ...(options.trackers ?? [])], {
    onWarning: ({ message }) => {
      onWarning(message)
    },
  })
  await trackers.start(info)
  options.onStart?.(info, { solver: state.solver.adapter, proposer: state.proposer.adapter })

  let [logged, saved] = [state.step, state.step]
  const save = async () => {
    await flushLog(folder, trackers)
    const checkpoint = await saveCheckpoint({
      folder,
      state,
      models: opened,
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
        // A measurement is not worth an iteration.
        record.probe = await probed().catch((error: unknown) => {
          onWarning(
            `probe: must give numbers, got ${messageOf(error)}; iteration ${record.step} goes without`,
          )
          return null
        })
        record.seconds.probe = (performance.now() - start) / 1000
        record.seconds.total += record.seconds.probe
      }
      await trackers.log(record)
      logged = record.step
      options.onRecord?.(record)
      if (saveEvery > 0 && record.step % saveEvery === 0) await save()
    }
    if (state.step > saved) await save()
    await retainCheckpoints(folder, maxCheckpoints)
  } catch (error) {
    // The state is that of the last whole iteration: it is worth keeping, whatever went wrong after it.
    if (state.step > saved && state.step === logged) await save().catch(() => undefined)
    await finish('failed')
    throw error
  }
  return finish(state.step >= info.totalSteps ? 'finished' : 'stopped')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isDue(step: number, every: number, total: number): boolean {
  return step === total || (every > 0 && step % every === 0)
}

async function freshState(options: Settled, models: Models): Promise<TrainerState> {
  const seed = options.evolve.seed ?? 42
  const open = async (role: 'solver' | 'proposer', place: number): Promise<Adapter> => {
    const { lora, vision = false, adapter } = options[role]
    if (lora === undefined) return models[role].trainWeights({ vision })
    if (adapter !== undefined) {
      const opened = await startAdapter(models[role], adapter, role)
      if (vision || !opened.trainable.vision) return opened
      throw new EvolmmError(
        'INVALID_OPTION',
        `${role}.adapter: must leave the vision tower as it is while vision is off, got ${adapter}, which adapts it; set vision`,
      )
    }
    // Two roles, two beginnings.
    return models[role].createAdapter({ ...lora, vision, seed: seed * 2 + place })
  }
  return startState({ solver: await open('solver', 0), proposer: await open('proposer', 1) })
}

/** Of a folder itself, or of the subfolder that checkpoints have for the role. */
async function startAdapter(vlm: Vlm, adapter: string, role: 'solver' | 'proposer'): Promise<Adapter> {
  return vlm.loadAdapter(adapter).catch((error: unknown) => {
    const others = error instanceof EvolmmError && error.code === 'INVALID_ADAPTER' && error.details.others
    if (Array.isArray(others) && others.includes(role)) return vlm.loadAdapter(adapter, { adapterName: role })
    throw error
  })
}

/** What was true when the run began: read back for one that goes on. */
async function beginning(
  folder: string,
  { name = basename(folder), config, identity, version = null }: Settled,
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
