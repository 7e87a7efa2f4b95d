/** A resolved configuration as the options of `@evolmm/trainer`. */
import type { EvolmmValues, RoleOptions } from '@evolmm/trainer'

/** Released: float32 where a device lacks the type. A device that is named would refuse it instead. */
export function heldType({ device, dtype }: EvolmmValues): EvolmmValues['dtype'] {
  return device === 'cpu' || (device === 'webgpu' && dtype === 'bfloat16') ? 'float32' : dtype
}

/** What `loadVlm` is told of `--quantize`. */
export function heldBits({ quantize }: Pick<EvolmmValues, 'quantize'>): 'int4' | undefined {
  return quantize === 'none' ? undefined : quantize
}

export function roleOptions(config: EvolmmValues, role: 'solver' | 'proposer'): RoleOptions {
  const adapter = config[`${role}_adapter`]
  return {
    model: config[`${role}_model`],
    vision: !config.freeze_vision,
    ...(config[`use_lora_${role}`] && {
      lora: {
        rank: config.lora_r,
        alpha: config.lora_alpha,
        dropout: config.lora_dropout,
        targets: config.lora_targets,
      },
    }),
    ...(adapter !== null && { adapter }),
  }
}
