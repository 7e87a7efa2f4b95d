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
import type { MemoryPhase } from './memory'
import type { MemoryPlan } from './memory-plan'
import { evolmmRemedies } from './evolmm-remedies'
import { promptTokens } from './prompt-tokens'
import { startShapes, trainedBy, type TrainedShape } from './trained'

export interface PlanRunOptions {
  /** The device, which may be one of another machine. */
  device: DeviceChoice['device']
  /** Settings of the hub, for models of which only the name is given. */
  hub?: OpenConfigOptions['hub']
}

export interface RunPlan extends MemoryPlan<EvolmmValues, MemoryPhase> {
  settings: EvolmmSettings
  models: Record<Role, OpenedConfig>
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
  const opened = roles.map((role) => models[role])
  return {
    settings,
    model: solverModel,
    device,
    dtype: heldWeights({ ...settings, device }).dtype,
    quantize: settings.quantize,
    models,
    batch: { setting: 'batch_size', most: 65536 },
    remedies: (image) => evolmmRemedies(settings, device, opened, image),
    patches: (size) => solver.layout(size).patches,
    programs: programsOf(settings, { device, models, trained: trained(settings) }),
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

/** The programs of the solver, and of the proposer where these are other ones. */
function programsOf(
  settings: EvolmmSettings,
  { device, models, trained }: Pick<RunPlan, 'device' | 'models'> & { trained: Record<Role, TrainedShape> },
): RunPlan['programs'] {
  const same =
    models.solver === models.proposer && JSON.stringify(trained.solver) === JSON.stringify(trained.proposer)
  return (same ? (['solver'] as const) : roles).map((role) => ({
    of: same ? '' : role,
    options: {
      backbone: models[role].backbone,
      ...trained[role],
      kl: settings.kl_coef > 0,
      checkpointed: settings.gradient_checkpointing,
      ...heldWeights({ ...settings, device }),
    },
  }))
}
