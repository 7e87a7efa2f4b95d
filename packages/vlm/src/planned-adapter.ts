/** What would be trained of a model that is not there: a table without parameters. */
import { adaptedModules, type AdaptedModulesOptions } from './adapter/create-adapter'
import { fullModules, type FullModulesOptions } from './adapter/full-weights'
import type { QwenConfig } from './backbones/qwen2_5_vl/config'
import { qwenBackbone } from './backbones/qwen2_5_vl/qwen-backbone'
import { trainsVision, trainsVocabulary } from './programs/learn-program'
import type { Trainable } from './programs/trainable'

export interface PlannedAdapterOptions {
  /** Such as one of `publishedConfigs`. */
  config: QwenConfig
  /** LoRA, as for `createAdapter`. @default its defaults, unless `full` is given */
  adapter?: AdaptedModulesOptions | undefined
  /** Weights as a whole, as for `trainWeights`. @default none */
  full?: FullModulesOptions | undefined
}

export interface PlannedAdapter {
  trainable: Trainable
  /** Trained parameters: the length of the adapter's vector. */
  parameters: number
  trainVision: boolean
  /** The embeddings or the head are among what is trained. */
  trainHead: boolean
}

/** Throws `INVALID_OPTION`, or `NO_MATCH` if no target names anything. */
export function plannedAdapter({ config, adapter, full }: PlannedAdapterOptions): PlannedAdapter {
  const backbone = qwenBackbone(config)
  const { trainable } = full === undefined ? adaptedModules(backbone, adapter) : fullModules(backbone, full)
  return {
    trainable,
    parameters: trainable.layout.size,
    trainVision: trainsVision(trainable),
    trainHead: trainsVocabulary(backbone, trainable),
  }
}
