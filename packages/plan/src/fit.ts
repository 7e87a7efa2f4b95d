/** A run fits if it takes no more than there is. */
import { checkObject } from '@evolmm/internal'
import { availableMemory, parseDevice, type DeviceChoice, type DeviceName } from '@evolmm/vlm'
import type { PlacedBytes, TrainingMemory } from './memory'
import type { MemoryPlan, PlannedImage } from './memory-plan'

/** Bytes that there are; `undefined` where nobody knows. */
export type Limits = { [K in keyof PlacedBytes]?: number | undefined }

export interface FitOptions {
  /** The image that takes the most memory. */
  image: PlannedImage
  limits: Limits
}

export function fits(memory: Pick<TrainingMemory, 'total'>, limits: Limits): boolean {
  checkObject('memory', memory)
  checkObject('limits', limits)
  const { total } = memory
  const { device = Infinity, host = Infinity } = limits
  checkObject('memory.total', total)
  return total.device <= device && total.host <= host
}

/** Images per iteration, or answers of a gradient, by bisection; 0 if not even one fits. */
export function largestBatch<V extends object, P extends string>(
  plan: MemoryPlan<V, P>,
  { image, limits }: FitOptions,
): number {
  const { setting, most: bound } = plan.batch
  const does = (batch: number) =>
    batch <= bound && fits(plan.estimate(image, { [setting]: batch } as unknown as Partial<V>), limits)
  let [most, tooMany] = [0, 1]
  while (does(tooMany)) [most, tooMany] = [tooMany, 2 * tooMany]
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2)
    if (does(middle)) most = middle
    else tooMany = middle
  }
  return most
}

/** The memory of this machine, or for the device what `memory_limit` says. */
export async function memoryLimits(run: {
  settings: { memory_limit: number | null; device: DeviceName }
  device: DeviceChoice['device']
}): Promise<Limits> {
  checkObject('run', run)
  const { settings, device } = run
  checkObject('settings', settings)
  const { memory_limit: limit, device: chosen } = settings
  const host = await availableMemory('cpu')
  if (device === 'cpu') return { device: undefined, host: limit ?? host }
  // Of several cards the one that was asked for.
  const card = chosen !== 'auto' && parseDevice(chosen).kind === device ? chosen : device
  return { device: limit ?? (await availableMemory(card)), host }
}
