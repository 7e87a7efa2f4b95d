/** Available memory is what a device has left for this process. */
import { freemem } from 'node:os'
import { listCards, visibleCards, type Environment } from './cards'
import { parseDevice, type DeviceName } from './device-name'

/** What this process has, and what it may yet take: the system's, or a container's. */
export function systemMemory(): number {
  return Math.min(freemem() + process.memoryUsage.rss(), process.constrainedMemory() || Infinity)
}

/** Bytes; `undefined` where the device does not say. Of `cuda:1` it is the second card that CUDA shows to this process. */
export async function availableMemory(
  device: Exclude<DeviceName, 'auto'>,
  environment: Environment = process.env,
): Promise<number | undefined> {
  const { kind, card } = parseDevice(device)
  if (kind === 'cpu') return systemMemory()
  if (kind !== 'cuda') return undefined
  return visibleCards(await listCards(environment), environment).at(card)?.free
}
