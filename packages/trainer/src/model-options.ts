/** The settings in the words of `@evolmm/vlm`: what opens models, and what each role trains of them. */
import { checkObject } from '@evolmm/internal'
import { isDefault, modelOptions, optionsOf, pixelOptions } from '@evolmm/settings'
import type { LoadVlmOptions } from '@evolmm/vlm'
import { heldWeights } from './held-weights'
import type { Role } from './role'
import { evolmmSettings, type EvolmmValues } from './settings/settings'

export function loadOptions(settings: EvolmmValues, given: LoadVlmOptions): LoadVlmOptions {
  const { hub, ...options } = modelOptions(settings)
  return {
    ...given,
    ...options,
    ...heldWeights(settings),
    ...pixelOptions(settings),
    ...optionsOf({ memoryLimit: settings.memory_limit }),
    hub: { ...given.hub, ...hub },
  }
}

/**
 * The modules that new adapters attach to; `undefined` for those that the model's own architecture names, since the
 * released list is of one family.
 */
export function loraTargets(settings: EvolmmValues): readonly string[] | undefined {
  checkObject('settings', settings)
  return isDefault(evolmmSettings, settings, 'lora_targets') ? undefined : settings.lora_targets
}

interface RoleOptions {
  /** Folder or hub id; the backbone is shared when both roles have the same. */
  model: string
  /** The shape of a new adapter; without one, all weights are trained. */
  lora?: { rank: number; alpha: number; dropout: number; targets: readonly string[] | undefined }
  /** `true` where the vision tower's modules or weights are trained too. */
  vision: boolean
  /** An adapter to begin with: folder or hub id, or a checkpoint, whose subfolder for the role is taken. */
  adapter?: string
}

export function roleOptions(settings: EvolmmValues, role: Role): RoleOptions {
  const adapter = settings[`${role}_adapter`]
  return {
    model: settings[`${role}_model`],
    vision: !settings.freeze_vision,
    ...(settings[`use_lora_${role}`] && {
      lora: {
        rank: settings.lora_r,
        alpha: settings.lora_alpha,
        dropout: settings.lora_dropout,
        targets: loraTargets(settings),
      },
    }),
    ...(adapter !== null && { adapter }),
  }
}
