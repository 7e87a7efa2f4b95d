/** Every program of a run, built from the shapes of its models: what cannot be built is found before the weights are there. */
import { checkList, checkObject } from '@evolmm/internal'
import { planPrograms, type PlannedTensor } from '@evolmm/vlm'
import type { MemoryPlan } from './memory-plan'

export interface PlannedGraph {
  name: string
  nodes: number
  /** Bytes of the program without weights. */
  bytes: number
  /** Bytes of the weights that it refers to, as they are stored. */
  weight_bytes: number
  inputs: PlannedTensor[]
  outputs: PlannedTensor[]
}

/** All graphs of a run. */
export function planGraphs(plan: Pick<MemoryPlan<object, string>, 'programs'>): PlannedGraph[] {
  checkObject('plan', plan)
  checkList('plan.programs', plan.programs)
  return plan.programs.flatMap(({ of, options }) =>
    planPrograms(options).programs.map(({ name, nodes, graphBytes, weightBytes, inputs, outputs }) => ({
      name: of === '' ? name : `${of} ${name}`,
      ...{ nodes, bytes: graphBytes, weight_bytes: weightBytes, inputs, outputs },
    })),
  )
}
