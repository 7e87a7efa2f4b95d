/** Every program of a run, built from the shapes of its models: what cannot be built is found before the weights are there. */
import { planPrograms } from '@evolmm/vlm'
import { heldBits, roleOptions } from '../train/run-options'
import type { RunPlan } from './plan-run'

export interface GraphSizes {
  name: string
  nodes: number
  /** Bytes of the program without weights. */
  bytes: number
}

/** Of the solver, and of the proposer where its programs are other ones. */
export function planGraphs({ config, models, dtype, quantize }: RunPlan): GraphSizes[] {
  const shape = (role: 'solver' | 'proposer') => {
    const { lora, vision = false } = roleOptions(config, role)
    return lora === undefined
      ? { full: { vision } }
      : { adapter: { rank: lora.rank, alpha: lora.alpha, targets: lora.targets, vision } }
  }
  const same =
    models.solver === models.proposer && JSON.stringify(shape('solver')) === JSON.stringify(shape('proposer'))
  const roles = same ? (['solver'] as const) : (['solver', 'proposer'] as const)
  return roles.flatMap((role) =>
    planPrograms({
      config: models[role].config,
      ...shape(role),
      kl: config.kl_coef > 0,
      checkpointed: config.gradient_checkpointing,
      dtype,
      quantize: heldBits({ quantize }),
    }).programs.map(({ name, nodes, graphBytes }) => ({
      name: same ? name : `${role} ${name}`,
      nodes,
      bytes: graphBytes,
    })),
  )
}
