/** A model as its files know it. */
import type { FloatType } from '@evolmm/safetensors'
import type { JsonObject } from './read-checkpoint-file'

export interface CheckpointModel {
  /** Every tensor of a checkpoint: canonical name to shape, in the order of the model. Linear weights are [out, in]. */
  weights: ReadonlyMap<string, readonly number[]>
  names: Names
  /** What a weight of a new model begins with: draws around 0, or one number everywhere. */
  initialValue: (name: string, shape: readonly number[]) => 'normal' | number
  /** `config.json` for weights of that type; what the model has no use for is kept from `source`. */
  configJson: (options: { dtype: FloatType; source: JsonObject }) => JsonObject
}

/** The trees of names that modules have, and tensors, which are named after them. */
export interface Names {
  /** The name in our code, which is that of the live module in transformers 5, for a name in any known tree. */
  canonical: (name: string) => string
  /** The name in files of the hub and in former adapters, for a canonical name. */
  published: (name: string) => string
  /** True if a file may hold a tensor of that canonical name although the model has none. */
  harmless: (name: string) => boolean
}

/** The names of files that were written with canonical ones. */
export const canonicalNames: Names = {
  canonical: (name) => name,
  published: (name) => name,
  harmless: () => false,
}
