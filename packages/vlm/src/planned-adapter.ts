/** What would be trained of a model that is not there: a table without parameters. */
import { checkNames, checkObject, countOf } from '@evolmm/internal'
import { adaptedModules, type AdaptedModulesOptions } from './adapter/create-adapter'
import { fullModules, type FullModulesOptions } from './adapter/full-weights'
import type { Backbone } from './backbones/backbone'
import { trainsVocabulary } from './programs/learn-program'
import type { Trainable } from './programs/trainable'

export interface PlannedAdapterOptions {
  /** The model, such as `openConfig` gives it. */
  backbone: Backbone
  /** LoRA, as for `createAdapter`. @default its defaults, unless `full` is given */
  adapter?: AdaptedModulesOptions | undefined
  /** Weights as a whole, as for `trainWeights`. @default none */
  full?: FullModulesOptions | undefined
}

export interface PlannedAdapter {
  trainable: Trainable
  /** Trained parameters: the length of the adapter's vector. */
  parameters: number
  /** Those of them that are the model's own weights, which programs are given instead of the frozen ones. */
  trainedWeights: number
  trainVision: boolean
  /** The embeddings or the head are among what is trained. */
  trainHead: boolean
}

/** Throws `INVALID_OPTION`, or `NO_MATCH` if no target names anything. */
export function plannedAdapter(options: PlannedAdapterOptions): PlannedAdapter {
  checkNames('plannedAdapter', options, { backbone: true, adapter: true, full: true })
  const { backbone, adapter, full } = options
  checkObject('backbone', backbone)
  const { trainable } = full === undefined ? adaptedModules(backbone, adapter) : fullModules(backbone, full)
  return {
    trainable,
    parameters: trainable.layout.size,
    trainedWeights: trainable.layout.entries
      .filter(({ name }) => trainable.full.has(name))
      .reduce((sum, { shape }) => sum + countOf(shape), 0),
    trainVision: trainable.vision,
    trainHead: trainsVocabulary(backbone, trainable),
  }
}
