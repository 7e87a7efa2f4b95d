/** What takes memory from a run of EvoLMM. */
import { evolmmSettings, type EvolmmSettings, type EvolmmValues } from '@evolmm/trainer'
import type { DeviceChoice, OpenedConfig } from '@evolmm/vlm'
import type { Changes, PlannedImage } from './memory-plan'
import { accepted, halves, once, smallerImages } from './remedies'

export function evolmmRemedies(
  settings: EvolmmSettings,
  device: DeviceChoice['device'],
  models: readonly OpenedConfig[],
  image: PlannedImage,
): Changes<EvolmmValues>[][] {
  const lora = { use_lora_solver: true, use_lora_proposer: true }
  const adapted = settings.use_lora_solver && settings.use_lora_proposer
  const all: Changes<EvolmmValues>[][] = [
    once(device !== 'cpu' && settings.dtype === 'float32', {
      dtype: device === 'webgpu' ? 'float16' : 'bfloat16',
    }),
    once(!settings.gradient_checkpointing, { gradient_checkpointing: true }),
    once(settings.image_cache > 0, { image_cache: 0 }),
    halves('batch_size', settings.batch_size, 1),
    smallerImages(models, image),
    halves('max_new_tokens_solver', settings.max_new_tokens_solver, 16),
    halves('max_new_tokens_proposer', settings.max_new_tokens_proposer, 32),
    once(!adapted, lora),
    once(adapted && settings.quantize === 'none', { quantize: 'int4' }),
    once(!adapted, { ...lora, quantize: 'int4' }),
    halves('lora_r', settings.lora_r, 4),
    halves('num_solver_samples', settings.num_solver_samples, 2),
    once(settings.proposer_update_freq > 0, { proposer_update_freq: 0 }),
  ]
  return all.map((steps) => steps.filter((changes) => accepted(evolmmSettings, { ...settings, ...changes })))
}
