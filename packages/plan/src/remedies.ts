/** Changes of settings that take memory from a run. */
import { resolve } from '@evolmm/settings'
import { evolmmSettings, type EvolmmSettings, type EvolmmValues } from '@evolmm/trainer'
import { EvolmmError } from './errors'
import type { PlannedImage, RunPlan } from './plan-run'

export type Changes = Readonly<Partial<EvolmmValues>>

/** The area of 112 by 112 pixels: of smaller images little is to be seen. */
const leastArea = 112 ** 2

/** Each remedy in steps from small to large, and to nothing that would be refused; what costs least comes first. */
export function remedies({ settings, device, models }: RunPlan, image: PlannedImage): Changes[][] {
  const { solver, proposer } = models
  const { area } = solver.layout(image)
  const bounds = [solver, proposer].map((model) => model.imageOptions)
  const leastPixels = Math.max(leastArea, ...bounds.map(({ minPixels }) => Number(minPixels ?? 0)))
  // Models that bound their images in another way have other settings for it.
  const byArea = bounds.every(({ maxPixels }) => maxPixels !== undefined)
  const halves = (name: NumberSetting, from: number, least: number): Changes[] =>
    [2, 4, 8]
      .map((part) => Math.floor(from / part))
      .filter((value) => value >= least)
      .map((value) => ({ [name]: value }))
  const once = (needed: boolean, changes: Changes): Changes[] => (needed ? [changes] : [])
  const lora = { use_lora_solver: true, use_lora_proposer: true }
  const adapted = settings.use_lora_solver && settings.use_lora_proposer
  const all = [
    once(device !== 'cpu' && settings.dtype === 'float32', {
      dtype: device === 'webgpu' ? 'float16' : 'bfloat16',
    }),
    once(!settings.gradient_checkpointing, { gradient_checkpointing: true }),
    once(settings.image_cache > 0, { image_cache: 0 }),
    halves('batch_size', settings.batch_size, 1),
    byArea ? halves('max_pixels', area, leastPixels) : [],
    halves('max_new_tokens_solver', settings.max_new_tokens_solver, 16),
    halves('max_new_tokens_proposer', settings.max_new_tokens_proposer, 32),
    once(!adapted, lora),
    once(adapted && settings.quantize === 'none', { quantize: 'int4' }),
    once(!adapted, { ...lora, quantize: 'int4' }),
    halves('lora_r', settings.lora_r, 4),
    halves('num_solver_samples', settings.num_solver_samples, 2),
    once(settings.proposer_update_freq > 0, { proposer_update_freq: 0 }),
  ]
  return all.map((steps) => steps.filter((changes) => accepted(settings, changes)))
}

/** Some settings exclude others, or have no effect beside them. */
function accepted(settings: EvolmmSettings, changes: Changes): boolean {
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
