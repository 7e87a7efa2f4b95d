/**
 * The weights of a model with an adapter in them, `W + alpha / rank * B A`, for writing a checkpoint that needs no
 * adapter. They stream from the file, so memory holds the adapter and some megabytes. Sums are in float64 and rounded
 * once.
 */
import { findNotFinite } from '@evolmm/internal'
import { streamTensor, weightSource, type WeightSource } from '@evolmm/safetensors'
import { EvolmmError } from '../errors'
import type { Backbone } from '../backbones/backbone'
import type { StoredModel, CheckpointTensor } from '../checkpoint/open-checkpoint'
import { hasValueHead, loraA, loraB, valueHeadWeight } from '../programs/trainable'
import type { Adapter } from './adapter'
import { parameterView } from './parameter-view'

/**
 * Every tensor of the model, in the order of the checkpoint, weights trained as a whole replaced. Leave the adapter's
 * parameters alone until they are written. Throws `INVALID_ADAPTER` for an adapter that is not this model's, and for
 * one of a head that is the embedding matrix, which would change with it, or `NOT_FINITE`.
 */
export function mergeAdapter(
  { head }: Pick<Backbone, 'head'>,
  { tensors }: StoredModel,
  adapter: Adapter,
): WeightSource[] {
  // A factor beside one of zeros would go unnoticed.
  const wrong = findNotFinite(adapter.parameters)
  if (wrong !== -1)
    throw new EvolmmError(
      'NOT_FINITE',
      `adapter: must have finite parameters to be merged, got ${adapter.parameters[wrong]} at place ${wrong}; go on from where it still had them, with a lower learning rate`,
      { details: { place: wrong } },
    )
  const { lora, full } = adapter.trainable
  if (hasValueHead(adapter.trainable))
    throw invalid(
      valueHeadWeight,
      'must be left out of a checkpoint',
      'a value head',
      'save the adapter by itself',
    )
  for (const module of lora.keys())
    if (!tensors.has(`${module}.weight`))
      throw module === head.module
        ? invalid(
            module,
            'must be a matrix of its own',
            'one tied to the embeddings',
            'save the adapter by itself',
          )
        : invalid(module, 'must be a module of the model', 'another name', 'pass the adapter of this model')
  for (const name of full)
    if (!tensors.has(name))
      throw invalid(name, 'must be a weight of the model', 'another name', 'pass the weights of this model')
  const merged = new Map([...lora.keys()].map((module) => [`${module}.weight`, module]))
  for (const { name, shape } of adapter.trainable.layout.entries) checkFits(tensors, name, shape)
  return [...tensors.values()].map((tensor): WeightSource => {
    const { name, shape } = tensor
    if (full.has(name)) return { name, shape, values: parameterView(adapter, name) }
    const module = merged.get(name)
    if (module === undefined) return weightSource(tensor)
    const [a, b] = [loraA(module), loraB(module)].map((factor) => parameterView(adapter, factor))
    const { rank, alpha } = lora.get(module) as { rank: number; alpha: number }
    return { name, shape, values: () => streamMerged(tensor, { a, b, rank, scale: alpha / rank }) }
  })
}

function checkFits(tensors: StoredModel['tensors'], name: string, shape: readonly number[]): void {
  const factor = /^(.+)\.lora_([AB])\.weight$/.exec(name)
  const weight = tensors.get(factor ? `${factor[1]}.weight` : name)?.shape ?? []
  const wanted = !factor ? weight : factor[2] === 'A' ? [shape[0], weight[1]] : [weight[0], shape[1]]
  if (wanted.join() !== shape.join())
    throw invalid(
      name,
      `must have shape [${wanted.join(', ')}]`,
      `[${shape.join(', ')}]`,
      'pass the adapter of this model',
    )
}

interface Factors {
  /** [rank, in] */
  a: Float32Array
  /** [out, rank] */
  b: Float32Array
  rank: number
  scale: number
}

async function* streamMerged(tensor: CheckpointTensor, factors: Factors): AsyncGenerator<Float32Array> {
  let start = 0
  for await (const piece of streamTensor(tensor)) {
    addProduct(piece, start, factors)
    start += piece.length
    yield piece
  }
}

/** Adds `scale * B A` to values of a matrix from its element `start` on; pieces need not end where rows do. */
function addProduct(piece: Float32Array, start: number, { a, b, rank, scale }: Factors): void {
  const width = a.length / rank
  const sums = new Float64Array(width)
  for (let done = 0; done < piece.length;) {
    const row = Math.floor((start + done) / width)
    const from = (start + done) % width
    const count = Math.min(width - from, piece.length - done)
    for (let i = 0; i < count; i++) sums[i] = piece[done + i]
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[row * rank + r]
      const offset = r * width + from
      if (factor !== 0) for (let i = 0; i < count; i++) sums[i] += factor * a[offset + i]
    }
    for (let i = 0; i < count; i++) piece[done + i] = sums[i]
    done += count
  }
}

function invalid(name: string, rule: string, got: string, fix: string): EvolmmError {
  return new EvolmmError('INVALID_ADAPTER', `${name}: ${rule}, got ${got}; ${fix}`, { details: { name } })
}
