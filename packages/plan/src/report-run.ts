/** Everything that is said about a plan, as JSON. */
import { checkNames, checkObject } from '@evolmm/internal'
import { advise, type Advice } from './advise'
import { fits, largestBatch, type FitOptions } from './fit'
import type { EvolmmValues } from '@evolmm/trainer'
import type { MemoryPhase, TrainingMemory } from './memory'
import type { MemoryPlan } from './memory-plan'

/** Memory is in bytes. */
export interface RunReport<V extends object = EvolmmValues, P extends string = MemoryPhase> extends Pick<
  TrainingMemory<P>,
  'kinds' | 'phases' | 'total' | 'parameters'
> {
  model: string
  device: MemoryPlan<V, P>['device']
  dtype: MemoryPlan<V, P>['dtype']
  quantize: MemoryPlan<V, P>['quantize']
  /** The largest image, in pixels. */
  image: { width: number; height: number }
  patches: number
  /** Tokens of the longest prompt, of either role where there are two. */
  prompt_tokens: number
  /** `null` where nobody knows. */
  limits: { device: number | null; host: number | null }
  fits: boolean
  /** Images of an iteration, or answers of a gradient, that would fit; 0 where none does, or the device does not say what it has. */
  largest_batch: number
  /** The settings that would make it fit; `null` if it does. */
  advice: Advice<V> | null
}

export function reportRun<V extends object, P extends string>(
  plan: MemoryPlan<V, P>,
  options: FitOptions,
): RunReport<V, P> {
  checkNames('reportRun', options, { image: true, limits: true })
  checkObject('plan', plan, 'estimate')
  const { image, limits } = options
  const estimate = plan.estimate(image)
  const { kinds, phases, total, parameters, imagePatches, promptTokens } = estimate
  const fit = fits(estimate, limits)
  return {
    model: plan.model,
    device: plan.device,
    dtype: plan.dtype,
    quantize: plan.quantize,
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
