/** What estimates of all methods count in the same way. */
import { plannedAdapter, type Backbone, type PlannedAdapter } from '@evolmm/vlm'
import type { TrainedShape } from './trained'

/** Tokenizer, data set, records and trackers; what garbage the collector leaves for later. */
export const trainerBytes = 30e6
/** The same, and a process that has a GPU's libraries loaded. */
export const hostBytes = 800e6

/** An encoded image of so many patches: what the vision tower is given, and its features. */
export function encodedBytes({ vision }: Backbone, patches: number): number {
  if (vision === undefined) return 0
  const { patchSize, patchesPerToken } = vision.shape
  return 4 * patches * (patchSize + vision.featureSize / patchesPerToken)
}

/** Tables by model: one of hundreds of modules is made once for many estimates. */
const tables = new WeakMap<Backbone, Map<string, PlannedAdapter>>()

export function plannedOnce(backbone: Backbone, trained: TrainedShape): PlannedAdapter {
  const known = tables.get(backbone) ?? new Map<string, PlannedAdapter>()
  tables.set(backbone, known)
  const key = JSON.stringify(trained)
  const planned = known.get(key) ?? plannedAdapter({ backbone, ...trained })
  known.set(key, planned)
  return planned
}
