/** What of a model is trained, the same for every method that trains one model: the settings, and what they open. */
import { checkObject } from '@evolmm/internal'
import { loraRows, optionsOf, toggle, type Need, type Values } from '@evolmm/settings'
import { loraDefaults, type Adapter, type Vlm } from '@evolmm/vlm'

export const trainedRows = {
  freeze_vision: toggle(true, 'leave the vision tower as it is', { identity: true }),
  use_lora: toggle(false, 'train an adapter instead of all weights', {
    identity: true,
    elsewhere: ['use_peft'],
  }),
  ...loraRows({ ...loraDefaults, targets: null }),
}

export const loraNeed: Need<typeof trainedRows> = {
  settings: ['lora_r', 'lora_alpha', 'lora_dropout', 'lora_targets'],
  needed: (the) => the('use_lora'),
  holds: (settings) => settings.use_lora,
}

/** A new adapter, or all weights, as the settings say. Throws what opening these throws. */
export async function openTrained(
  vlm: Pick<Vlm, 'createAdapter' | 'trainWeights'>,
  settings: Values<typeof trainedRows> & { seed: number },
): Promise<Adapter> {
  checkObject('vlm', vlm, 'createAdapter', 'trainWeights')
  checkObject('settings', settings)
  const vision = !settings.freeze_vision
  if (!settings.use_lora) return vlm.trainWeights({ vision })
  return vlm.createAdapter({
    rank: settings.lora_r,
    alpha: settings.lora_alpha,
    dropout: settings.lora_dropout,
    ...optionsOf({ targets: settings.lora_targets }),
    vision,
    seed: settings.seed,
  })
}
