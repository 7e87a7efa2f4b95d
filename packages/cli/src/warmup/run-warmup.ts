/**
 * A warm-up in a folder: `warmup.json` says what run it is, `warmup_log.jsonl` has a record for each step, and
 * `warmup.safetensors` is where a run that was stopped goes on from. At the end the checkpoint or the adapter appears
 * in the folder as a whole, and the state is removed.
 */
import { access, appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkNumber, EvolmmError } from '@evolmm/internal'
import { shuffledOrder } from '@evolmm/dataset'
import { loadWarmup, saveWarmup, warmup, type Warmup, type WarmupExample } from '@evolmm/trainer'
import { publishFolder, writeSynced } from '@evolmm/internal/node'
import type { Adapter } from '@evolmm/vlm'
import type { Context } from '../context'
import type { Vlm } from '../library'
import type { Progress } from '../progress'
import { withModel } from '../with-model'
import { readLessons } from './read-lessons'
import type { WarmupFlags } from './warmup-flags'

/** The exit code: 130 after Ctrl-C, which ends a run between two steps. */
export async function runWarmup(context: Context, flags: WarmupFlags): Promise<number> {
  checkNumber('--min_lr', flags.min_lr, { max: flags.lr })
  const { examples, sha256 } = await readLessons(flags.data, flags.system)
  await context.library.chooseDevice({ device: flags.device, dtype: flags.dtype })
  const folder = flags.output_dir
  const marker = flags.use_lora === true ? 'adapter_config.json' : 'config.json'
  await openFolder(folder, { ...configOf(flags), data_sha256: sha256 }, marker)
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
    return await withModel(context, flags, async (vlm, progress) => {
      const adapter = await trained(vlm, flags)
      const run = await openRun(vlm, adapter, { flags, examples, signal })
      try {
        await follow(run, progress, flags)
      } catch (error) {
        if (!signal.aborted) throw error
        await saveWarmup(stateFile(folder), run.state)
        progress.clear()
        context.stderr.write('stopped; the same command continues from here\n')
        return 130
      }
      await saveWarmup(stateFile(folder), run.state)
      if (flags.use_lora === true) await vlm.saveAdapter(folder, adapter)
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

/** All flags on which the result depends. */
function configOf(flags: WarmupFlags): Record<string, unknown> {
  const elsewhere = { output_dir: undefined, save_every: undefined, threads: undefined, cache_dir: undefined }
  return { ...flags, ...elsewhere, device: undefined, data: undefined, debug: undefined }
}

/** Refuses a folder of another run, or one that holds a model of whatever origin. */
async function openFolder(folder: string, config: Record<string, unknown>, marker: string): Promise<void> {
  const name = 'warmup.json'
  const text = `${JSON.stringify(config, undefined, 1)}\n`
  const before = await readFile(join(folder, name), 'utf8').catch(() => undefined)
  if (before === undefined) {
    if (await exists(join(folder, marker)))
      throw new EvolmmError(
        'WOULD_OVERWRITE',
        `--output_dir: must not have ${marker} yet, got one in ${folder}; choose another folder`,
      )
    await publishFolder(folder, { marker: name }, (aside) => writeSynced(join(aside, name), text))
    return
  }
  if (before === text) return
  const known = asObject(before)
  const now = asObject(text)
  const changed = Object.keys({ ...known, ...now }).filter((key) => known[key] !== now[key])
  throw new EvolmmError(
    'INVALID_OPTION',
    `--output_dir: must be new or of a run with the same flags, got ${folder} with other values of ${changed.join(', ')}; choose another folder`,
    { details: { changed } },
  )
}

function asObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

async function trained(vlm: Vlm, flags: WarmupFlags): Promise<Adapter> {
  const vision = !flags.freeze_vision
  if (flags.use_lora !== true) return vlm.trainWeights({ vision })
  return vlm.createAdapter({
    rank: flags.lora_r,
    alpha: flags.lora_alpha,
    dropout: flags.lora_dropout,
    targets: flags.lora_targets?.split(',').map((name) => name.trim()),
    vision,
    seed: flags.seed,
  })
}

/** From the saved state, if there is one, with the log cut back to it. */
async function openRun(
  vlm: Vlm,
  adapter: Adapter,
  {
    flags,
    examples,
    signal,
  }: { flags: WarmupFlags; examples: readonly WarmupExample[]; signal: AbortSignal },
): Promise<Warmup> {
  const { output_dir: folder } = flags
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
    batchAt: batches(examples, flags),
    totalSteps: flags.total_steps,
    lr: flags.lr,
    minLr: flags.min_lr,
    warmupSteps: flags.warmup_steps,
    schedule: flags.lr_scheduler,
    weightDecay: flags.weight_decay,
    betas: [flags.beta1, flags.beta2],
    clip: flags.grad_clip === 0 ? null : flags.grad_clip,
    seed: flags.seed,
    state,
    signal,
  })
}

/** Every image once in each epoch, in an order of its own. */
function batches(
  examples: readonly WarmupExample[],
  { batch_size: size, seed }: Pick<WarmupFlags, 'batch_size' | 'seed'>,
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

async function follow(run: Warmup, progress: Progress, flags: WarmupFlags): Promise<void> {
  const { output_dir: folder, save_every: every, total_steps: total } = flags
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
