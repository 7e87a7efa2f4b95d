/** What a role trains: as the settings say, or as the adapter does that it starts from. */
import { join } from 'node:path'
import { isThere } from '@evolmm/internal/node'
import { loraTargets, roles, type EvolmmValues, type Role } from '@evolmm/trainer'
import { readAdapterShape, type AdapterShape, type PlannedAdapterOptions } from '@evolmm/vlm'

/** LoRA, or weights as a whole. */
export type TrainedShape = Omit<PlannedAdapterOptions, 'backbone'>
export type StartShapes = Partial<Record<Role, AdapterShape>>

export function trainedBy(role: Role, settings: EvolmmValues, starts: StartShapes): TrainedShape {
  const vision = !settings.freeze_vision
  if (!settings[`use_lora_${role}`]) return { full: { vision } }
  const { rank, alpha, targets }: Partial<AdapterShape> = starts[role] ?? {}
  return {
    adapter: {
      rank: rank ?? settings.lora_r,
      alpha: alpha ?? settings.lora_alpha,
      targets: targets ?? loraTargets(settings),
      vision,
    },
  }
}

/** The shapes of adapters that lie on this machine; one on the hub counts as a new one, since nothing is fetched. */
export async function startShapes(settings: EvolmmValues): Promise<StartShapes> {
  const shapes: StartShapes = {}
  for (const role of roles) {
    const adapter = settings[`${role}_adapter`]
    if (adapter === null) continue
    // In the folder itself, or in the subfolder that checkpoints have for the role.
    for (const folder of [adapter, join(adapter, role)]) {
      const file = join(folder, 'adapter_config.json')
      if (shapes[role] === undefined && (await isThere(file))) shapes[role] = await readAdapterShape(file)
    }
  }
  return shapes
}
