/** Whether a run fits, the largest batch that does, and what would make it fit. */
import { EvolmmError } from '@evolmm/internal'
import { formatBytes } from '../format-bytes'
import type { TrainConfig } from '../train/config/train-settings'
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
  changes: Partial<TrainConfig>
}

/** In words, from what costs least to what costs most: each flag alone, or else all that it takes together. */
export function advice(plan: RunPlan, image: PlannedImage, limits: Limits): string {
  const left = (changes: Partial<TrainConfig>) => plan.estimate(image, changes)
  const does = ({ changes }: Remedy) => fits(left(changes), limits)
  const size = (changes: Partial<TrainConfig>) => {
    const { total } = left(changes)
    return formatBytes(plan.device === 'cpu' ? total.host : total.device)
  }
  const all = remedies(plan, image)
  const alone = all.map((steps) => steps.find(does)).filter((remedy) => remedy !== undefined)
  if (alone.length > 0)
    return `${alone.map(({ flags, changes }) => `${flags} (${size(changes)})`).join(', or ')} would do`
  let changes: Partial<TrainConfig> = {}
  const taken: string[] = []
  for (const steps of all) {
    const last = steps.at(-1)
    if (last === undefined) continue
    const next = { ...changes, ...last.changes }
    const [before, after] = [left(changes).total, left(next).total]
    if (after.device + after.host > 0.99 * (before.device + before.host)) continue
    changes = next
    taken.push(last.flags)
    if (does({ flags: '', changes })) return `${taken.join(' ')} together would do (${size(changes)})`
  }
  const together = taken.length > 0 ? `${taken.join(' ')} would leave ${size(changes)}, so ` : ''
  return `${together}use a smaller model or more memory`
}

/** What can be changed, each in steps from small to large. */
function remedies({ config, device, models }: RunPlan, image: PlannedImage): Remedy[][] {
  const pixels = models.solver.patchesOf(image) * models.solver.config.vision.patchSize ** 2
  const halves = (name: NumberSetting, from: number, least: number): Remedy[] =>
    [2, 4, 8]
      .map((part) => Math.floor(from / part))
      .filter((value) => value >= least)
      .map((value) => ({ flags: `--${name} ${value}`, changes: { [name]: value } }))
  const once = (needed: boolean, flags: string, changes: Partial<TrainConfig>): Remedy[] =>
    needed ? [{ flags, changes }] : []
  const narrow = device === 'webgpu' ? 'float16' : 'bfloat16'
  const adapted = '--use_lora_solver --use_lora_proposer'
  const { use_lora_solver: solver, use_lora_proposer: proposer } = config
  return [
    once(device !== 'cpu' && config.dtype === 'float32', `--dtype ${narrow}`, { dtype: narrow }),
    once(!config.gradient_checkpointing, '--gradient_checkpointing', { gradient_checkpointing: true }),
    halves('batch_size', config.batch_size, 1),
    halves('max_pixels', pixels, 28 * 28 * 16),
    halves('max_new_tokens_solver', config.max_new_tokens_solver, 16),
    halves('max_new_tokens_proposer', config.max_new_tokens_proposer, 32),
    !solver || !proposer
      ? [
          { flags: adapted, changes: { use_lora_solver: true, use_lora_proposer: true } },
          {
            flags: `${adapted} --quantize int4`,
            changes: { use_lora_solver: true, use_lora_proposer: true, quantize: 'int4' },
          },
        ]
      : once(config.quantize === 'none', '--quantize int4', { quantize: 'int4' }),
    solver || proposer ? halves('lora_r', config.lora_r, 4) : [],
  ]
}

type NumberSetting =
  'batch_size' | 'max_pixels' | 'max_new_tokens_solver' | 'max_new_tokens_proposer' | 'lora_r'

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
