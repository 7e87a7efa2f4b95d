/** A model with random weights, for tiny worlds and benchmarks. */
import { checkNames, checkText } from '@evolmm/internal'
import type { Backbone } from './backbones/backbone'
import { initializeWeights, type StandardDeviation } from './checkpoint/initialize-weights'
import { writeCheckpoint, type WriteCheckpointOptions } from './checkpoint/write-checkpoint'

export type InitializeCheckpointOptions = Omit<WriteCheckpointOptions, 'model' | 'weights'> & {
  /** The model, such as `openBackbone` makes it of a `config.json`. */
  backbone: Backbone
  /** Same seed, same weights. @default 0 */
  seed?: number
  /**
   * Standard deviation of the matrices, in transformers `initializer_range`, or a function of canonical name and shape
   * (`[out, in]` for a linear module). @default 0.02
   */
  standardDeviation?: StandardDeviation
}

/** Writes a checkpoint as transformers would initialise it. Tokenizer and processor files come from `sourceFolder`. */
export async function initializeCheckpoint(
  folder: string,
  options: InitializeCheckpointOptions,
): Promise<void> {
  checkNames('initializeCheckpoint', options, {
    backbone: true,
    seed: true,
    standardDeviation: true,
    dtype: true,
    sourceFolder: true,
    maxShardBytes: true,
    overwrite: true,
  })
  checkText('folder', folder)
  const { backbone, seed = 0, standardDeviation, ...rest } = options
  const random = { seed, ...(standardDeviation !== undefined && { standardDeviation }) }
  const weights = initializeWeights(backbone, random)
  await writeCheckpoint(folder, { ...rest, model: backbone, weights })
}
