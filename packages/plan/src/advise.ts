/** Advice for a run that does not fit: which settings to change. */
import type { EvolmmValues } from '@evolmm/trainer'
import { fits, type FitOptions } from './fit'
import type { PlacedBytes } from './memory'
import type { Changes, MemoryPlan } from './memory-plan'

export interface Advice<V extends object = EvolmmValues> {
  /** True if each alternative is enough by itself; otherwise the one that is there leaves least. */
  enough: boolean
  /** The alternatives, from what costs least to what costs most; none if nothing helps. */
  alternatives: Alternative<V>[]
}

export interface Alternative<V extends object = EvolmmValues> {
  /** Settings, with the values that they would have. */
  changes: Changes<V>
  /** The memory that the run would take then. */
  total: PlacedBytes
}

/** Single changes where such a one is enough, or else as few as are enough together. */
export function advise<V extends object, P extends string>(
  plan: MemoryPlan<V, P>,
  { image, limits }: FitOptions,
): Advice<V> {
  type Taken = readonly Changes<V>[]
  const merged = (taken: Taken) => Object.assign({}, ...taken) as Changes<V>
  const left = (taken: Taken) => plan.estimate(image, merged(taken))
  const does = (taken: Taken) => fits(left(taken), limits)
  const alternative = (taken: Taken): Alternative<V> => ({
    changes: merged(taken),
    total: left(taken).total,
  })
  const all = plan.remedies(image)
  const alone = all.flatMap((steps) => steps.find((step) => does([step])) ?? [])
  if (alone.length > 0) return { enough: true, alternatives: alone.map((step) => alternative([step])) }
  let taken: Changes<V>[] = []
  for (const steps of all) {
    const next = [...taken, ...steps.slice(-1)]
    const [before, after] = [left(taken).total, left(next).total]
    if (after.device + after.host > 0.99 * (before.device + before.host)) continue
    taken = next
    if (!does(taken)) continue
    // What comes first is enough in a smaller step, or not at all, now that the last one is there.
    for (const steps of all) {
      const at = taken.findIndex((step) => steps.includes(step))
      const milder = [[], ...steps.map((step) => [step])].map((step) => taken.toSpliced(at, 1, ...step))
      if (at >= 0) taken = milder.find(does) ?? taken
    }
    return { enough: true, alternatives: [alternative(taken)] }
  }
  return { enough: false, alternatives: taken.length > 0 ? [alternative(taken)] : [] }
}
