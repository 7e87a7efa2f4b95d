/** A run's memory as a function of its settings, from the configurations of its models alone. */
import { checkNames, checkObject, checkText } from '@evolmm/internal'
import { pixelOptions } from '@evolmm/settings'
import {
  heldWeights,
  perRole,
  roles,
  type EvolmmSettings,
  type EvolmmValues,
  type Role,
} from '@evolmm/trainer'
import { openConfig, type DeviceChoice, type OpenConfigOptions, type OpenedConfig } from '@evolmm/vlm'
import { estimateTraining } from './estimate-training'
import type { TrainingMemory } from './memory'
import { promptTokens } from './prompt-tokens'
import { startShapes, trainedBy, type TrainedShape } from './trained'

export interface PlanRunOptions {
  /** The device, which may be one of another machine. */
  device: DeviceChoice['device']
  /** Settings of the hub, for models of which only the name is given. */
  hub?: OpenConfigOptions['hub']
}

export interface RunPlan {
  settings: EvolmmSettings
  device: PlanRunOptions['device']
  /** The type of the weights on that device. */
  dtype: EvolmmSettings['dtype']
  models: Record<Role, OpenedConfig>
  trained: Record<Role, TrainedShape>
  /** The estimate with other settings, if any are given. Throws `INVALID_OPTION` or `NO_MATCH`. */
  estimate: (image: PlannedImage, changes?: Partial<EvolmmValues>) => PlannedMemory
}

export interface PlannedMemory extends TrainingMemory {
  /** Patches of the largest image. */
  imagePatches: number
  /** Tokens of the longest prompt of each role. */
  promptTokens: Record<Role, number>
}

export interface PlannedImage {
  /** The size of the largest image, in pixels. */
  width: number
  height: number
  /** The number of images of the data set, where it is known. */
  count?: number | undefined
}

/** Weights are neither read nor fetched. */
export async function planRun(settings: EvolmmSettings, options: PlanRunOptions): Promise<RunPlan> {
  checkNames('planRun', options, { device: true, hub: true })
  const { device, hub } = options
  checkObject('settings', settings)
  checkText('solver_model', settings.solver_model)
  const { solver_model: solverModel, proposer_model: proposerModel } = settings
  const open = (model: string) => openConfig(model, { ...pixelOptions(settings), hub })
  const solver = await open(solverModel)
  const models = { solver, proposer: proposerModel === solverModel ? solver : await open(proposerModel) }
  const starts = await startShapes(settings)
  const trained = (from: EvolmmValues) => perRole((role) => trainedBy(role, from, starts))
  return {
    settings,
    device,
    dtype: heldWeights({ ...settings, device }).dtype,
    models,
    trained: trained(settings),
    estimate: ({ count, ...image }, changes = {}) => {
      const changed = { ...settings, ...changes }
      const { imageOptions } = pixelOptions(changed)
      const layouts = perRole((role) => models[role].layout(image, imageOptions))
      const imagePatches = Math.max(...roles.map((role) => layouts[role].patches))
      const tokens = promptTokens(changed, models, layouts)
      const each = trained(changed)
      const memory = estimateTraining({
        settings: changed,
        device,
        roles: perRole((role) => ({ backbone: models[role].backbone, trained: each[role] })),
        imagePatches,
        promptTokens: tokens,
        images: count,
      })
      return { ...memory, imagePatches, promptTokens: tokens }
    },
  }
}
