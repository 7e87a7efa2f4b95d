/** What a role trains: as the settings say, or as the adapter does that it starts from. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvolmmValues, RoleOptions } from '@evolmm/trainer'
import { readAdapterShape, type AdapterShape } from '@evolmm/vlm'
import { roleOptions } from '../train/run-options'

type Role = 'solver' | 'proposer'
export type StartShapes = Partial<Record<Role, AdapterShape>>

export function plannedRole(role: Role, config: EvolmmValues, shapes: StartShapes): RoleOptions {
  const { lora, ...options } = roleOptions(config, role)
  if (lora === undefined) return options
  const { targets = lora.targets, ...shape } = shapes[role] ?? {}
  return { ...options, lora: { ...lora, ...shape, targets } }
}

/** The shapes of adapters that lie on this machine; one on the hub counts as a new one, since nothing is fetched. */
export async function startShapes(config: EvolmmValues): Promise<StartShapes> {
  const shapes: StartShapes = {}
  for (const role of ['solver', 'proposer'] as const) {
    const adapter = config[`${role}_adapter`]
    if (adapter === null) continue
    // In the folder itself, or in the subfolder that checkpoints have for the role.
    for (const folder of [adapter, join(adapter, role)]) {
      const file = join(folder, 'adapter_config.json')
      if (shapes[role] === undefined && (await exists(file))) shapes[role] = await readAdapterShape(file)
    }
  }
  return shapes
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
