/** Refuses a run that cannot fit, before its weights are fetched or read. */
import { scanImages } from '@evolmm/dataset'
import { checkFit, fits, largestImage, memoryLimits, planRun } from '@evolmm/plan'
import { optionsOf } from '@evolmm/settings'
import { heldWeights, type EvolmmSettings } from '@evolmm/trainer'
import { chooseDevice } from '@evolmm/vlm'
import type { HubOptions } from '../library'
import { writeFlag } from '../plan/shown-report'

/** Throws `DEVICE_UNAVAILABLE` or `MEMORY_EXCEEDED`, or what opening a configuration throws. */
export async function checkRun(
  settings: EvolmmSettings,
  { hub }: { hub?: HubOptions | undefined },
): Promise<void> {
  const { dtype } = heldWeights(settings)
  const { device } = await chooseDevice({ device: settings.device, dtype })
  const plan = await planRun(settings, { device, hub })
  const limits = await memoryLimits(plan)
  // Headers of many images are read only where it matters.
  const side = Math.ceil(Math.sqrt(Number(plan.models.solver.imageOptions.maxPixels ?? Infinity)))
  if (Number.isFinite(side) && fits(plan.estimate({ width: side, height: side }), limits)) return
  const images = await scanImages({
    root: settings.data_dir,
    ...optionsOf({ includeSubfolders: settings.include_subfolders }),
    onWarning: () => undefined,
  })
  checkFit(plan, { image: await largestImage(plan, images), limits, write: writeFlag })
}
