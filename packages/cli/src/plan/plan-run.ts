/** A run's memory as a function of its settings, from the configurations of its models alone. */
import type { EvolmmSettings, EvolmmValues, RoleOptions } from '@evolmm/trainer'
import { openConfig, type OpenedConfig } from '@evolmm/vlm'
import type { HubOptions } from '../library'
import { heldBits, heldType } from '../train/run-options'
import { estimateTraining, type TrainingMemory } from './estimate-training'
import { plannedRole, startShapes } from './planned-role'
import { promptTokens } from './prompt-tokens'

export interface PlanRunOptions {
  /** What `auto` became. */
  device: 'cpu' | 'cuda' | 'webgpu'
  hub?: HubOptions | undefined
}

export interface RunPlan {
  config: EvolmmSettings
  device: PlanRunOptions['device']
  dtype: EvolmmSettings['dtype']
  quantize: EvolmmSettings['quantize']
  models: { solver: OpenedConfig; proposer: OpenedConfig }
  roles: { solver: RoleOptions; proposer: RoleOptions }
  /** The estimate with other settings, if any are given. Throws `INVALID_OPTION` or `NO_MATCH`. */
  estimate: (image: PlannedImage, changes?: Partial<EvolmmValues>) => PlannedMemory
}

export interface PlannedMemory extends TrainingMemory {
  /** Patches of the largest image. */
  imagePatches: number
  /** Tokens of the longest prompt of each role. */
  promptTokens: { solver: number; proposer: number }
}

export interface PlannedImage {
  /** The size of the largest image, in pixels. */
  width: number
  height: number
  /** The number of images of the data set, where it is known. */
  count?: number | undefined
}

/** Weights are neither read nor fetched. */
export async function planRun(config: EvolmmSettings, { device, hub }: PlanRunOptions): Promise<RunPlan> {
  const bounds = { minPixels: config.min_pixels ?? undefined, maxPixels: config.max_pixels ?? undefined }
  const open = (model: string) => openConfig(model, { ...bounds, hub })
  const solver = await open(config.solver_model)
  const other = config.proposer_model !== config.solver_model
  const models = { solver, proposer: other ? await open(config.proposer_model) : solver }
  const shapes = await startShapes(config)
  const role = (name: 'solver' | 'proposer', from: EvolmmValues) => ({
    ...plannedRole(name, from, shapes),
    backbone: models[name].backbone,
  })
  return {
    config,
    device,
    dtype: heldType({ ...config, device }),
    quantize: config.quantize,
    models,
    roles: { solver: role('solver', config), proposer: role('proposer', config) },
    estimate: ({ count, ...image }, changes = {}) => {
      const changed = { ...config, ...changes }
      const layout = (model: OpenedConfig) => model.layout(image, changed.max_pixels ?? undefined)
      const layouts = { solver: layout(models.solver), proposer: layout(models.proposer) }
      const imagePatches = Math.max(...Object.values(layouts).map(({ patches }) => patches))
      const tokens = promptTokens(changed, models, layouts)
      const memory = estimateTraining({
        solver: role('solver', changed),
        proposer: role('proposer', changed),
        device,
        dtype: heldType({ ...changed, device }),
        quantize: heldBits(changed),
        settings: changed,
        imagePatches,
        promptTokens: tokens,
        images: count,
      })
      return { ...memory, imagePatches, promptTokens: tokens }
    },
  }
}
