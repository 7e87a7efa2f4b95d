/** Refuses a run that cannot fit. */
import { checkNames, checkObject, formatBytes } from '@evolmm/internal'
import { advise } from './advise'
import { EvolmmError } from './errors'
import { fits, type FitOptions } from './fit'
import { formatAdvice, type WriteSetting } from './format-advice'
import type { MemoryPlan } from './memory-plan'

export interface CheckFitOptions extends FitOptions {
  /** Writes a setting that would help with its value. @default name and value, a space between */
  write?: WriteSetting
}

/** Throws `MEMORY_EXCEEDED`, naming what takes most and the settings that would help. */
export function checkFit<V extends object, P extends string>(
  plan: MemoryPlan<V, P>,
  options: CheckFitOptions,
): void {
  checkNames('checkFit', options, { image: true, limits: true, write: true })
  checkObject('plan', plan, 'estimate')
  const { image, limits, write } = options
  const estimate = plan.estimate(image)
  if (fits(estimate, limits)) return
  const { kinds, total } = estimate
  const place = total.device > (limits.device ?? Infinity) ? 'device' : 'host'
  const largest = Object.entries(kinds)
    .map(([kind, bytes]) => [kind, bytes[place]] as const)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([kind, bytes]) => `${kind} ${formatBytes(bytes)}`)
  const advice = advise(plan, { image, limits })
  throw new EvolmmError(
    'MEMORY_EXCEEDED',
    `memory of ${place === 'device' ? plan.device : 'the machine'}: must be at least what the run takes, ` +
      `about ${formatBytes(total[place])} (${largest.join(', ')}), ` +
      `got ${formatBytes(limits[place] ?? 0)}; ${formatAdvice(advice, write)}`,
    { details: { total, limits, kinds, advice } },
  )
}
