/** The memory of a run of M-STaR as a function of its settings, from the configuration of its model alone, and its work. */
import { join } from 'node:path'
import { checkNames, checkObject, checkText, countOf } from '@evolmm/internal'
import { isThere } from '@evolmm/internal/node'
import { planWork, type MstarSettings, type PlannedWork, type QuestionsSurvey } from '@evolmm/mstar'
import { optionsOf, pixelOptions } from '@evolmm/settings'
import { heldWeights } from '@evolmm/trainer'
import {
  openConfig,
  readAdapterShape,
  type DeviceChoice,
  type ImageLayout,
  type OpenConfigOptions,
  type OpenedConfig,
} from '@evolmm/vlm'
import { estimateMstar, type MstarValues } from './estimate-mstar'
import type { MstarPhase } from './memory'
import type { MemoryPlan } from './memory-plan'
import { plannedOnce } from './model-parts'
import { mstarRemedies } from './mstar-remedies'
import { guessTokens } from './prompt-tokens'
import type { TrainedShape } from './trained'

export interface PlanMstarOptions {
  /** The device, which may be one of another machine. */
  device: DeviceChoice['device']
  /** The questions that there are, as `surveyQuestions` of `@evolmm/mstar` finds or `assumeQuestions` assumes them. */
  survey: QuestionsSurvey
  /** The share of answers that is right, which the number of cycles follows from. @default half of them */
  right?: number | undefined
  /** Settings of the hub, for a model of which only the name is given. */
  hub?: OpenConfigOptions['hub']
}

export interface MstarPlan extends MemoryPlan<MstarValues, MstarPhase> {
  settings: MstarSettings
  survey: QuestionsSurvey
  /** Cycles, answers and what lies on disk. */
  work: PlannedWork
}

/** Weights are neither read nor fetched. Throws what `openConfig` throws, and `NO_MATCH` if no target names a module. */
export async function planMstar(settings: MstarSettings, options: PlanMstarOptions): Promise<MstarPlan> {
  checkNames('planMstar', options, { device: true, survey: true, right: true, hub: true })
  const { device, survey, right, hub } = options
  checkObject('settings', settings)
  checkObject('survey', survey)
  checkText('model', settings.model)
  const model = await openConfig(settings.model, { ...pixelOptions(settings), hub })
  const { backbone } = model
  const reward = await rewardShape(settings)
  const trained = trainedBy(settings)
  const workOf = (from: MstarValues) =>
    planWork({
      ...{ settings: from, ...countsOf(survey), right },
      parameters: plannedOnce(backbone, trainedBy(from)).parameters,
      weights: [...backbone.weights.values()].reduce((sum, shape) => sum + countOf(shape), 0),
      vocabulary: backbone.sizes.vocabularySize,
    })
  const { dtype } = heldWeights({ ...settings, device })
  return {
    ...{ settings, survey, model: settings.model, device, dtype, quantize: settings.quantize },
    batch: { setting: 'micro_batch_size', most: settings.batch_size },
    remedies: (image) => mstarRemedies(settings, device, model, image),
    patches: (size) => model.layout(size).patches,
    programs: [
      {
        of: '',
        options: {
          ...{ backbone, ...trained, kl: false, checkpointed: settings.gradient_checkpointing },
          ...heldWeights({ ...settings, device }),
        },
      },
    ],
    work: workOf(settings),
    estimate: ({ width, height }, changes = {}) => {
      const changed = { ...settings, ...changes }
      const { imageOptions } = pixelOptions(changed)
      const layouts = Array.from({ length: survey.mostImages }, () =>
        model.layout({ width, height }, imageOptions),
      )
      const imagePatches = layouts.at(0)?.patches ?? 0
      const promptTokens = tokensOf(model, changed, survey, layouts)
      const memory = estimateMstar({
        ...{ settings: changed, device, backbone, trained: trainedBy(changed), reward, promptTokens },
        ...{ imagePatches, images: survey.mostImages, most: workOf(changed).most },
      })
      return { ...memory, imagePatches, promptTokens: { policy: promptTokens } }
    },
  }
}

function countsOf({ questions, validation, unlabelled }: QuestionsSurvey) {
  return { questions, validation, unlabelled }
}

function tokensOf(
  { promptTokens = guessTokens }: Pick<OpenedConfig, 'promptTokens'>,
  { system }: MstarValues,
  { longestPrompt: prompt }: QuestionsSurvey,
  layouts: readonly ImageLayout[],
): number {
  return promptTokens({ prompt, ...optionsOf({ system }) }, layouts)
}

function trainedBy(settings: MstarValues): TrainedShape {
  const vision = !settings.freeze_vision
  if (!settings.use_lora) return { full: { vision } }
  const { lora_r: rank, lora_alpha: alpha, lora_targets: targets } = settings
  return { adapter: { rank, alpha, ...optionsOf({ targets }), vision } }
}

/** The adapter of the reward model: that of a folder, or one of the usual rank where it is not there yet. */
async function rewardShape({ reward_model: folder }: MstarSettings): Promise<TrainedShape | undefined> {
  if (folder === null) return undefined
  const file = join(folder, 'adapter_config.json')
  if (!(await isThere(file))) return { adapter: {} }
  const { rank, alpha, targets } = await readAdapterShape(file)
  return { adapter: { rank, alpha, ...(targets && { targets }) } }
}
