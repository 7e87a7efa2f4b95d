/** Names of devices: that of a kind, or for one card of several `cuda:1`. */
import { checkOneOf, deviceKinds } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import type { Device } from './provider-status'

/** The number is that of the card among those that CUDA shows to this process; `cuda` is the first. */
export type DeviceName = 'auto' | Device | `cuda:${number}`

/** Throws `INVALID_OPTION`. */
export function parseDevice(name: unknown): { kind: 'auto' | Device; card: number } {
  const number = typeof name === 'string' ? /^cuda:(.*)$/s.exec(name)?.[1] : undefined
  if (number === undefined) return { kind: checkOneOf('device', name, ['auto', ...deviceKinds]), card: 0 }
  if (/^\d{1,3}$/.test(number)) return { kind: 'cuda', card: Number(number) }
  throw new EvolmmError(
    'INVALID_OPTION',
    `device: must have the number of a card behind "cuda:", 0 to 999, got ${JSON.stringify(name)}; "nvidia-smi -L" lists them`,
    { details: { option: 'device', value: name } },
  )
}
