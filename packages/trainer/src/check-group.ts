/** What several processes cannot do as one process would is refused. */
import { EvolmmError } from './errors'
import type { Loop } from './loop'
import { roles } from './role'

export function checkGroup({ group: { size }, settings, state }: Loop): void {
  if (size === 1) return
  const refused = (option: string, rule: string, got: unknown, fix: string) =>
    new EvolmmError(
      'INVALID_OPTION',
      `${option}: must ${rule} with ${size} processes, got ${String(got)}; ${fix}`,
      {
        details: { option },
      },
    )
  if (settings.batch_size % size !== 0)
    throw refused(
      'batch_size',
      `be a multiple of ${size}`,
      settings.batch_size,
      'give each process as many images',
    )
  if (settings.solver_update === 'sequential')
    throw refused('solver_update', 'be group', 'sequential', 'its steps come one after the other')
  const dropout = Math.max(...roles.map((role) => state[role].adapter.dropout))
  if (dropout > 0)
    throw refused('lora_dropout', 'be 0', dropout, 'what is dropped depends on what a process learns at once')
}
