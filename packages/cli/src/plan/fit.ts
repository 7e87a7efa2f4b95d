/** A fit says whether a run fits, the largest batch that does, and what would make it fit. */
import { EvolmmError } from '@evolmm/internal'
import { resolve } from '@evolmm/settings'
import { evolmmSettings, type EvolmmValues, type EvolmmSettings } from '@evolmm/trainer'
import { formatBytes } from '../texts'
import type { Place, TrainingMemory } from './estimate-training'
import type { PlannedImage, RunPlan } from './plan-run'

/** Bytes that there are; `undefined` where nobody knows. */
export type Limits = { [K in keyof Place]: number | undefined }

export function fits({ total }: TrainingMemory, { device = Infinity, host = Infinity }: Limits): boolean {
  return total.device <= device && total.host <= host
}

/** Images per iteration, by bisection; 0 if not even one fits. */
export function largestBatch(plan: RunPlan, image: PlannedImage, limits: Limits): number {
  const does = (batch: number) => fits(plan.estimate(image, { batch_size: batch }), limits)
  let [most, tooMany] = [0, 1]
  while (tooMany <= 65536 && does(tooMany)) [most, tooMany] = [tooMany, 2 * tooMany]
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2)
    if (does(middle)) most = middle
    else tooMany = middle
  }
  return most
}

interface Remedy {
  flags: string
  changes: Partial<EvolmmValues>
}

/** The advice in words, from what costs least to what costs most: each flag alone, or else as few as do together. */
export function advice(plan: RunPlan, image: PlannedImage, limits: Limits): string {
  const left = (taken: readonly Remedy[]) =>
    plan.estimate(image, Object.assign({}, ...taken.map(({ changes }) => changes)) as Partial<EvolmmValues>)
  const does = (taken: readonly Remedy[]) => fits(left(taken), limits)
  const shown = (taken: readonly Remedy[]) => {
    const { total } = left(taken)
    return `(${formatBytes(plan.device === 'cpu' ? total.host : total.device)})`
  }
  const all = remedies(plan, image)
  const alone = all.flatMap((steps) => steps.find((step) => does([step])) ?? [])
  if (alone.length > 0)
    return `${alone.map((remedy) => `${remedy.flags} ${shown([remedy])}`).join(', or ')} would do`
  let taken: Remedy[] = []
  for (const steps of all) {
    const next = [...taken, ...steps.slice(-1)]
    const [before, after] = [left(taken).total, left(next).total]
    if (after.device + after.host > 0.99 * (before.device + before.host)) continue
    taken = next
    if (!does(taken)) continue
    // What comes first is enough in a smaller step, or not at all, now that the last one is there.
    for (const steps of all) {
      const at = taken.findIndex((remedy) => steps.includes(remedy))
      const milder = [[], ...steps.map((step) => [step])].map((step) => taken.toSpliced(at, 1, ...step))
      if (at >= 0) taken = milder.find(does) ?? taken
    }
    return `${flagsOf(taken)} together would do ${shown(taken)}`
  }
  const most = taken.length > 0 ? `${flagsOf(taken)} would leave ${shown(taken).slice(1, -1)}, so ` : ''
  return `${most}use a smaller model or more memory`
}

function flagsOf(taken: readonly Remedy[]): string {
  return taken.map(({ flags }) => flags).join(' ')
}

/** What can be changed, each in steps from small to large, and to nothing that would be refused. */
function remedies({ config, device, models }: RunPlan, image: PlannedImage): Remedy[][] {
  const { solver, proposer } = models
  const { area } = solver.layout(image)
  const leastPixels = Math.max(28 * 28 * 16, solver.minPixels ?? 0, proposer.minPixels ?? 0)
  const halves = (name: NumberSetting, from: number, least: number): Remedy[] =>
    [2, 4, 8]
      .map((part) => Math.floor(from / part))
      .filter((value) => value >= least)
      .map((value) => ({ flags: `--${name} ${value}`, changes: { [name]: value } }))
  const once = (needed: boolean, flags: string, changes: Partial<EvolmmValues>): Remedy[] =>
    needed ? [{ flags, changes }] : []
  const narrow = device === 'webgpu' ? 'float16' : 'bfloat16'
  const lora = { use_lora_solver: true, use_lora_proposer: true }
  const adapted = config.use_lora_solver && config.use_lora_proposer
  const all = [
    once(device !== 'cpu' && config.dtype === 'float32', `--dtype ${narrow}`, { dtype: narrow }),
    once(!config.gradient_checkpointing, '--gradient_checkpointing', { gradient_checkpointing: true }),
    once(config.image_cache > 0, '--image_cache 0', { image_cache: 0 }),
    halves('batch_size', config.batch_size, 1),
    halves('max_pixels', area, leastPixels),
    halves('max_new_tokens_solver', config.max_new_tokens_solver, 16),
    halves('max_new_tokens_proposer', config.max_new_tokens_proposer, 32),
    once(!adapted, '--use_lora_solver --use_lora_proposer', lora),
    once(adapted && config.quantize === 'none', '--quantize int4', { quantize: 'int4' }),
    once(!adapted, '--use_lora_solver --use_lora_proposer --quantize int4', { ...lora, quantize: 'int4' }),
    halves('lora_r', config.lora_r, 4),
    halves('num_solver_samples', config.num_solver_samples, 2),
    once(config.proposer_update_freq > 0, '--proposer_update_freq 0', { proposer_update_freq: 0 }),
  ]
  return all.map((steps) => steps.filter(({ changes }) => accepted(config, changes)))
}

/** Some settings exclude others, or have no effect beside them. */
function accepted(settings: EvolmmSettings, changes: Partial<EvolmmValues>): boolean {
  try {
    resolve(evolmmSettings, { ...settings, ...changes })
    return true
  } catch (error) {
    if (error instanceof EvolmmError) return false
    throw error
  }
}

type NumberSetting =
  | 'batch_size'
  | 'max_pixels'
  | 'max_new_tokens_solver'
  | 'max_new_tokens_proposer'
  | 'lora_r'
  | 'num_solver_samples'

/** Throws `MEMORY_EXCEEDED`, naming the flags that would help. */
export function checkFit(plan: RunPlan, image: PlannedImage, limits: Limits): void {
  const estimate = plan.estimate(image)
  if (fits(estimate, limits)) return
  const place = estimate.total.device > (limits.device ?? Infinity) ? 'device' : 'host'
  const largest = Object.entries(estimate.kinds)
    .map(([kind, bytes]) => [kind, bytes[place]] as const)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([kind, bytes]) => `${kind} ${formatBytes(bytes)}`)
  const where = place === 'device' ? `of ${plan.device}` : 'of the machine'
  throw new EvolmmError(
    'MEMORY_EXCEEDED',
    `memory ${where}: must be at least what the run takes, about ${formatBytes(estimate.total[place])} ` +
      `(${largest.join(', ')}), got ${formatBytes(limits[place] ?? 0)}; ${advice(plan, image, limits)}`,
    { details: { total: estimate.total, limits, kinds: estimate.kinds } },
  )
}
