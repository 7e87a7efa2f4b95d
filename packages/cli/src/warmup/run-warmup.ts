/**
 * A warm-up in a folder: `warmup.json` says what run it is, `warmup_log.jsonl` has a record for each step, and
 * `warmup.safetensors` is where a run that was stopped goes on from. At the end the checkpoint or the adapter appears
 * in the folder as a whole, and the state is removed.
 */
import { access, appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EvolmmError, parseObject } from '@evolmm/internal'
import { shuffledOrder } from '@evolmm/dataset'
import { identityOf, storedIdentity } from '@evolmm/settings'
import {
  loadWarmup,
  saveWarmup,
  sftSettings,
  warmup,
  type SftSettings,
  type Warmup,
  type WarmupExample,
} from '@evolmm/trainer'
import { publishFolder, writeSynced } from '@evolmm/internal/node'
import type { Adapter } from '@evolmm/vlm'
import type { Context } from '../context'
import type { Vlm } from '../library'
import type { Progress } from '../progress'
import { withModel } from '../with-model'
import { readLessons } from './read-lessons'

/** The exit code: 130 after Ctrl-C, which ends a run between two steps. */
export async function runWarmup(context: Context, settings: SftSettings): Promise<number> {
  const { examples, sha256 } = await readLessons(settings.data, settings.system ?? undefined)
  await context.library.chooseDevice({ device: settings.device, dtype: settings.dtype })
  const folder = settings.output_dir
  const marker = settings.use_lora ? 'adapter_config.json' : 'config.json'
  await openFolder(folder, { ...identityOf(sftSettings, settings), data_sha256: sha256 }, marker)
  if (await exists(join(folder, marker))) {
    context.stderr.write('finished before; choose another --output_dir to learn anew\n')
    context.stdout.write(`${folder}\n`)
    return 0
  }
  const interrupt = new AbortController()
  const { signal } = interrupt
  const undo = context.onInterrupt(() => {
    interrupt.abort()
  })
  try {
    return await withModel(context, settings, async (vlm, progress) => {
      const adapter = await trained(vlm, settings)
      const run = await openRun(vlm, adapter, { settings, examples, signal })
      try {
        await follow(run, progress, settings)
      } catch (error) {
        if (!signal.aborted) throw error
        await saveWarmup(stateFile(folder), run.state)
        progress.clear()
        context.stderr.write('stopped; the same command continues from here\n')
        return 130
      }
      await saveWarmup(stateFile(folder), run.state)
      if (settings.use_lora) await vlm.saveAdapter(folder, adapter)
      else await vlm.saveMerged(folder, adapter)
      await rm(stateFile(folder), { force: true })
      progress.clear()
      context.stdout.write(`${folder}\n`)
      return 0
    })
  } finally {
    undo()
  }
}

const stateFile = (folder: string): string => join(folder, 'warmup.safetensors')
const logFile = (folder: string): string => join(folder, 'warmup_log.jsonl')

/** Refuses a folder of another run, or one that holds a model of whatever origin. */
async function openFolder(folder: string, identity: Record<string, unknown>, marker: string): Promise<void> {
  const name = 'warmup.json'
  const text = `${JSON.stringify(identity, undefined, 1)}\n`
  const before = await readFile(join(folder, name), 'utf8').catch(() => undefined)
  if (before === undefined) {
    if (await exists(join(folder, marker)))
      throw new EvolmmError(
        'WOULD_OVERWRITE',
        `output_dir: must not have ${marker} yet, got one in ${folder}; choose another folder`,
        { details: { option: 'output_dir' } },
      )
    await publishFolder(folder, { marker: name }, (aside) => writeSynced(join(aside, name), text))
    return
  }
  const known = formerIdentity(parseObject(before) ?? {})
  const changed = Object.keys({ ...known, ...identity }).filter(
    (key) => JSON.stringify(known[key]) !== JSON.stringify(identity[key]),
  )
  if (changed.length === 0) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `output_dir: must be new or of a run with the same flags, got ${folder} with other values of ${changed.join(', ')}; choose another folder`,
    { details: { option: 'output_dir', changed } },
  )
}

/** Modules were once stored as they were typed. */
function formerIdentity({
  lora_targets: targets,
  ...stored
}: Record<string, unknown>): Record<string, unknown> {
  const names = typeof targets === 'string' ? targets.split(',').map((name) => name.trim()) : targets
  return storedIdentity(sftSettings, { ...stored, lora_targets: names ?? null })
}

async function trained(vlm: Vlm, settings: SftSettings): Promise<Adapter> {
  const vision = !settings.freeze_vision
  if (!settings.use_lora) return vlm.trainWeights({ vision })
  return vlm.createAdapter({
    rank: settings.lora_r,
    alpha: settings.lora_alpha,
    dropout: settings.lora_dropout,
    targets: settings.lora_targets ?? undefined,
    vision,
    seed: settings.seed,
  })
}

/** The run goes on from the saved state, if there is one, with the log cut back to it. */
async function openRun(
  vlm: Vlm,
  adapter: Adapter,
  {
    settings,
    examples,
    signal,
  }: { settings: SftSettings; examples: readonly WarmupExample[]; signal: AbortSignal },
): Promise<Warmup> {
  const { output_dir: folder } = settings
  const state = (await exists(stateFile(folder))) ? await loadWarmup(stateFile(folder)) : undefined
  const log = await readFile(logFile(folder), 'utf8').catch(() => '')
  const kept = log
    .split('\n')
    .slice(0, state?.step ?? 0)
    .filter((line) => line !== '')
  await writeFile(logFile(folder), kept.map((line) => `${line}\n`).join(''))
  return warmup({
    vlm,
    adapter,
    batchAt: batches(examples, settings),
    totalSteps: settings.total_steps,
    lr: settings.lr,
    minLr: settings.min_lr,
    warmupSteps: settings.warmup_steps,
    schedule: settings.lr_scheduler,
    weightDecay: settings.weight_decay,
    betas: [settings.beta1, settings.beta2],
    clip: settings.grad_clip === 0 ? null : settings.grad_clip,
    seed: settings.seed,
    state,
    signal,
  })
}

/** Every image once in each epoch, in an order of its own. */
function batches(
  examples: readonly WarmupExample[],
  { batch_size: size, seed }: Pick<SftSettings, 'batch_size' | 'seed'>,
): (step: number) => WarmupExample[] {
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array() }
  return (step) =>
    Array.from({ length: size }, (_, i) => {
      const place = step * size + i
      const epoch = Math.floor(place / examples.length)
      if (known.epoch !== epoch)
        known = { epoch, order: shuffledOrder({ length: examples.length, seed, epoch }) }
      return examples[known.order[place % examples.length]]
    })
}

async function follow(run: Warmup, progress: Progress, settings: SftSettings): Promise<void> {
  const { output_dir: folder, save_every: every, total_steps: total } = settings
  let [done, seconds] = [0, 0]
  for await (const record of run) {
    await appendFile(logFile(folder), `${JSON.stringify(record)}\n`)
    done++
    seconds += record.seconds
    progress.onSteps({ ...record, total, secondsLeft: (seconds / done) * (total - record.step) })
    if (every > 0 && record.step % every === 0) await saveWarmup(stateFile(folder), run.state)
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
