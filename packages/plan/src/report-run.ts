/** Everything that is said about a plan, as JSON. */
import { checkNames, checkObject } from '@evolmm/internal'
import { advise, type Advice } from './advise'
import { fits, largestBatch, type FitOptions } from './fit'
import type { TrainingMemory } from './memory'
import type { RunPlan } from './plan-run'

/** Memory is in bytes. */
export interface RunReport extends Pick<TrainingMemory, 'kinds' | 'phases' | 'total' | 'parameters'> {
  model: string
  device: RunPlan['device']
  dtype: RunPlan['dtype']
  quantize: RunPlan['settings']['quantize']
  /** The largest image, in pixels. */
  image: { width: number; height: number }
  patches: number
  /** Tokens of the longest prompt of either role. */
  prompt_tokens: number
  /** `null` where nobody knows. */
  limits: { device: number | null; host: number | null }
  fits: boolean
  /** Images of an iteration that would fit; 0 where none does, or the device does not say what it has. */
  largest_batch: number
  /** The settings that would make it fit; `null` if it does. */
  advice: Advice | null
}

export function reportRun(plan: RunPlan, options: FitOptions): RunReport {
  checkNames('reportRun', options, { image: true, limits: true })
  checkObject('plan', plan, 'estimate')
  const { image, limits } = options
  const estimate = plan.estimate(image)
  const { kinds, phases, total, parameters, imagePatches, promptTokens } = estimate
  const fit = fits(estimate, limits)
  return {
    model: plan.settings.solver_model,
    device: plan.device,
    dtype: plan.dtype,
    quantize: plan.settings.quantize,
    image: { width: image.width, height: image.height },
    patches: imagePatches,
    prompt_tokens: Math.max(...Object.values(promptTokens)),
    ...{ parameters, kinds, phases, total },
    limits: { device: limits.device ?? null, host: limits.host ?? null },
    fits: fit,
    // Without a limit any would.
    largest_batch:
      limits.device === undefined && plan.device !== 'cpu' ? 0 : largestBatch(plan, { image, limits }),
    advice: fit ? null : advise(plan, { image, limits }),
  }
}
