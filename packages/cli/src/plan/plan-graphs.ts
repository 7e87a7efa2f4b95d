/** Every program of a run, built from the shapes of its models: what cannot be built is found before the weights are there. */
import { planPrograms, type PlannedTensor } from '@evolmm/vlm'
import { heldBits } from '../train/run-options'
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
export function planGraphs({ config, models, roles, dtype, quantize }: RunPlan): PlannedGraph[] {
  const shape = (role: 'solver' | 'proposer') => {
    const { lora, vision = false } = roles[role]
    return lora === undefined
      ? { full: { vision } }
      : { adapter: { rank: lora.rank, alpha: lora.alpha, targets: lora.targets, vision } }
  }
  const same =
    models.solver === models.proposer && JSON.stringify(shape('solver')) === JSON.stringify(shape('proposer'))
  const each = same ? (['solver'] as const) : (['solver', 'proposer'] as const)
  return each.flatMap((role) =>
    planPrograms({
      backbone: models[role].backbone,
      ...shape(role),
      kl: config.kl_coef > 0,
      checkpointed: config.gradient_checkpointing,
      dtype,
      quantize: heldBits({ quantize }),
    }).programs.map(({ name, nodes, graphBytes, weightBytes, inputs, outputs }) => ({
      name: same ? name : `${role} ${name}`,
      ...{ nodes, bytes: graphBytes, weight_bytes: weightBytes, inputs, outputs },
    })),
  )
}
