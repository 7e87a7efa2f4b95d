/** The mean of the rows of the embeddings, [D], where a new value head may begin. */
import { streamTensor } from '@evolmm/safetensors'
import type { Backbone } from '../backbones/backbone'
import type { StoredModel } from '../checkpoint/open-checkpoint'

/** Reads the embeddings piece by piece. Throws what reading throws. */
export async function meanEmbedding(
  { embeddingWeight }: Pick<Backbone, 'embeddingWeight'>,
  { tensors }: StoredModel,
): Promise<Float32Array> {
  const tensor = tensors.get(embeddingWeight)
  if (tensor === undefined) throw new Error(`internal: the checkpoint has no tensor "${embeddingWeight}"`)
  const [rows, width] = tensor.shape
  const sums = new Float64Array(width)
  let at = 0
  for await (const piece of streamTensor(tensor))
    for (const value of piece) {
      sums[at % width] += value
      at++
    }
  return Float32Array.from(sums, (sum) => sum / rows)
}
