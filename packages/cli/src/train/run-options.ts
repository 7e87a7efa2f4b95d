/** A resolved configuration as the options of `@evolmm/trainer`. */
import type { EvolmmValues, RoleOptions } from '@evolmm/trainer'

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
