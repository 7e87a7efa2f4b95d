/** A run's memory as a function of its settings, from the configurations of its models alone. */
import { openConfig, type OpenedConfig, type QwenConfig } from '@evolmm/vlm'
import type { HubOptions } from '../library'
import type { TrainConfig } from '../train/config/train-settings'
import { evolveOptions, heldBits, heldType, roleOptions } from '../train/run-options'
import { estimateTraining, type TrainingMemory } from './estimate-training'

export interface PlanRunOptions {
  /** What `auto` became. */
  device: 'cpu' | 'cuda' | 'webgpu'
  hub?: HubOptions | undefined
}

export interface RunPlan {
  config: TrainConfig
  device: PlanRunOptions['device']
  dtype: TrainConfig['dtype']
  quantize: TrainConfig['quantize']
  models: { solver: OpenedConfig; proposer: OpenedConfig }
  /** With other settings, if any are given. Throws `INVALID_OPTION` or `NO_MATCH`. */
  estimate: (image: PlannedImage, changes?: Partial<TrainConfig>) => TrainingMemory
}

export interface PlannedImage {
  /** Of the largest one, in pixels. */
  width: number
  height: number
  /** Of the data set, where it is known. */
  count?: number | undefined
}

/** Weights are neither read nor fetched. */
export async function planRun(config: TrainConfig, { device, hub }: PlanRunOptions): Promise<RunPlan> {
  const bounds = { minPixels: config.min_pixels ?? undefined, maxPixels: config.max_pixels ?? undefined }
  const open = (model: string) => openConfig(model, { ...bounds, hub })
  const solver = await open(config.solver_model)
  const other = config.proposer_model !== null && config.proposer_model !== config.solver_model
  const models = { solver, proposer: other ? await open(config.proposer_model ?? '') : solver }
  const role = (name: 'solver' | 'proposer', from: TrainConfig): { config: QwenConfig } & RoleOf => ({
    ...roleOptions(from, name),
    config: models[name].config,
  })
  return {
    config,
    device,
    dtype: heldType({ ...config, device }),
    quantize: config.quantize,
    models,
    estimate: ({ count, ...image }, changes = {}) => {
      const changed = { ...config, ...changes }
      return estimateTraining({
        solver: role('solver', changed),
        proposer: role('proposer', changed),
        device,
        dtype: heldType({ ...changed, device }),
        quantize: heldBits(changed),
        evolve: evolveOptions(changed),
        imagePatches: solver.patchesOf(image, changed.max_pixels ?? undefined),
        images: count,
      })
    },
  }
}

type RoleOf = ReturnType<typeof roleOptions>
