/** Every program of a run, built from the shapes of its models: what cannot be built is found before the weights are there. */
import { checkObject } from '@evolmm/internal'
import { heldWeights, roles } from '@evolmm/trainer'
import { planPrograms, type PlannedTensor } from '@evolmm/vlm'
import type { RunPlan } from './plan-run'

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

/** The graphs of the solver, and of the proposer where its programs are other ones. */
export function planGraphs(plan: RunPlan): PlannedGraph[] {
  checkObject('plan', plan)
  checkObject('plan.models', plan.models)
  const { settings, device, models, trained } = plan
  const same =
    models.solver === models.proposer && JSON.stringify(trained.solver) === JSON.stringify(trained.proposer)
  return (same ? (['solver'] as const) : roles).flatMap((role) =>
    planPrograms({
      backbone: models[role].backbone,
      ...trained[role],
      kl: settings.kl_coef > 0,
      checkpointed: settings.gradient_checkpointing,
      ...heldWeights({ ...settings, device }),
    }).programs.map(({ name, nodes, graphBytes, weightBytes, inputs, outputs }) => ({
      name: same ? name : `${role} ${name}`,
      ...{ nodes, bytes: graphBytes, weight_bytes: weightBytes, inputs, outputs },
    })),
  )
}
