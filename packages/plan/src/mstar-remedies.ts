/** What takes memory from a run of M-STaR. */
import { mstarSettings, type MstarSettings } from '@evolmm/mstar'
import type { DeviceChoice, OpenedConfig } from '@evolmm/vlm'
import type { MstarValues } from './estimate-mstar'
import type { Changes, PlannedImage } from './memory-plan'
import { accepted, halves, once, smallerImages } from './remedies'

export function mstarRemedies(
  settings: MstarSettings,
  device: DeviceChoice['device'],
  model: OpenedConfig,
  image: PlannedImage,
): Changes<MstarValues>[][] {
  const { batch_size: size, micro_batch_size: micro } = settings
  const all: Changes<MstarValues>[][] = [
    once(device !== 'cpu' && settings.dtype === 'float32', {
      dtype: device === 'webgpu' ? 'float16' : 'bfloat16',
    }),
    once(!settings.gradient_checkpointing, { gradient_checkpointing: true }),
    // A step is the same, however many gradients are added up.
    halves('micro_batch_size', Math.min(micro ?? size, size), 1, 16),
    halves('questions_per_run', settings.questions_per_run, 1),
    smallerImages([model], image),
    halves('max_new_tokens', settings.max_new_tokens, 32),
    once(!settings.use_lora, { use_lora: true }),
    once(settings.use_lora && settings.quantize === 'none', { quantize: 'int4' }),
    settings.use_lora ? halves('lora_r', settings.lora_r, 4) : [],
    halves('num_generations', settings.num_generations, 2),
  ]
  return all.map((steps) => steps.filter((changes) => accepted(mstarSettings, { ...settings, ...changes })))
}
