/** Refuses a run that cannot fit, before its weights are fetched or read. */
import { scanImages } from '@evolmm/dataset'
import type { EvolmmSettings } from '@evolmm/trainer'
import { availableMemory, chooseDevice } from '@evolmm/vlm'
import type { HubOptions } from '../library'
import { heldType } from '../train/run-options'
import { checkFit, fits, type Limits } from './fit'
import { largestImage } from './largest-image'
import { planRun } from './plan-run'

/** Throws `DEVICE_UNAVAILABLE` or `MEMORY_EXCEEDED`, or what opening a configuration throws. */
export async function checkRun(
  config: EvolmmSettings,
  { hub }: { hub?: HubOptions | undefined },
): Promise<void> {
  const { device } = await chooseDevice({ device: config.device, dtype: heldType(config) })
  const plan = await planRun(config, { device, hub })
  const limits = await limitsOf(config, device)
  // Headers of many images are read only where it matters.
  const side = Math.ceil(Math.sqrt(plan.models.solver.maxPixels ?? Infinity))
  if (Number.isFinite(side) && fits(plan.estimate({ width: side, height: side }), limits)) return
  const images = await scanImages({
    root: config.data_dir,
    includeSubfolders: config.include_subfolders ?? [],
    onWarning: () => undefined,
  })
  checkFit(plan, await largestImage(images, plan.models.solver), limits)
}

/** What there is on this machine, unless a limit is set. */
export async function limitsOf(
  { memory_limit: limit }: Pick<EvolmmSettings, 'memory_limit'>,
  device: 'cpu' | 'cuda' | 'webgpu',
): Promise<Limits> {
  const host = await availableMemory('cpu')
  if (device === 'cpu') return { device: undefined, host: limit ?? host }
  return { device: limit ?? (await availableMemory(device)), host }
}
