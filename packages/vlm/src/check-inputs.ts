/** What callers hand over, checked against the model before anything is built or run. */
import { checkNumber } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { Adapter } from './adapter/adapter'
import type { Backbone } from './backbones/backbone'
import { hasValueHead, loraA, loraB, valueHeadWeight } from './programs/trainable'
import type { EncodedImage, Prompt } from './types'

/** Throws `INVALID_OPTION` unless `values` is a list of one or more. */
export function checkList(name: string, values: readonly unknown[], of: string): void {
  const list: unknown = values
  if (!Array.isArray(list) || list.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      `${name}: must hold at least one ${of}, got ${Array.isArray(list) ? 'none' : typeof list}; pass a list`,
      { details: { option: name } },
    )
}

/** True if a caller without types passed a list; typed arrays will do. */
export function isList(value: unknown): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value)
}

/** Throws `INVALID_ADAPTER` for an adapter that another model made, or whose parameters are not those it was made with. */
export function checkAdapter({ modules, weights, sizes }: Backbone, adapter: Adapter): void {
  const given = adapter as Partial<Adapter> | null | undefined
  if (given?.trainable === undefined)
    throw invalidAdapter(
      'adapter',
      'must come from createAdapter, loadAdapter or trainWeights',
      'another value',
    )
  const { trainable, parameters, dropout } = adapter
  const { lora, full, layout } = trainable
  const wanted = new Map<string, readonly number[] | undefined>()
  for (const [module, { rank }] of lora) {
    const size = modules.get(module)
    wanted.set(loraA(module), size && [rank, size[1]])
    wanted.set(loraB(module), size && [size[0], rank])
  }
  for (const name of full) wanted.set(name, weights.get(name))
  if (hasValueHead(trainable)) wanted.set(valueHeadWeight, [1, sizes.hiddenSize])
  for (const { name, shape } of layout.entries) {
    const fitting = wanted.get(name)
    if (fitting === undefined)
      throw invalidAdapter(name, 'must be part of this model', 'a name it does not have')
    if (fitting.join() !== shape.join())
      throw invalidAdapter(name, `must have shape [${fitting.join(', ')}]`, `[${shape.join(', ')}]`)
  }
  const listed = new Set(layout.entries.map(({ name }) => name))
  const lost = [...wanted.keys()].find((name) => !listed.has(name))
  if (lost !== undefined) throw invalidAdapter(lost, 'must be in the layout', 'nothing')
  if (!(parameters instanceof Float32Array))
    throw invalidAdapter('adapter.parameters', 'must be a Float32Array', typeof parameters)
  if (parameters.length !== layout.size)
    throw invalidAdapter('adapter.parameters', `must have length ${layout.size}`, String(parameters.length))
  checkNumber('adapter.dropout', dropout, { min: 0, below: 1 })
}

/** Throws `INVALID_PROMPT` for what `prompt` of this model did not make. */
export function checkPrompt(backbone: Backbone, prompt: Prompt | undefined, name: string): void {
  const given = prompt as Partial<Prompt> | undefined | null
  if (!(given?.ids instanceof Int32Array) || given.images === undefined || given.imageSpans === undefined)
    throw invalidPrompt(name, 'must come from vlm.prompt', typeof prompt)
  const { ids, images, imageSpans, positions } = given
  if (ids.length === 0) throw invalidPrompt(name, 'must have at least one token', 'none')
  const words = embeddingRows(backbone)
  const unknown = ids.find((id, i) => id >= words || (id < 0 && !isImage(imageSpans, i)))
  if (unknown !== undefined) throw invalidPrompt(name, `must hold tokens below ${words}`, String(unknown))
  if (positions?.length !== backbone.axes * ids.length)
    throw invalidPrompt(
      name,
      `must have ${backbone.axes} positions for each token`,
      `${positions?.length} of another model`,
    )
  const { featureSize: width = 0, sees } = backbone.vision ?? {}
  const spanned = imageSpans.reduce((sum, { length }) => sum + length, 0)
  // Features that are attended to have no place among the tokens.
  const tokens = sees === undefined ? spanned : images.reduce((sum, image) => sum + image.tokens, 0)
  const values = images.reduce((sum, image) => sum + (image.features?.size ?? image.tokens * width), 0)
  if (values !== tokens * width)
    throw invalidPrompt(
      name,
      `must have ${tokens} image tokens of width ${width}`,
      `${values} numbers of another model`,
    )
}

function embeddingRows({ weights, embeddingWeight, sizes }: Backbone): number {
  return weights.get(embeddingWeight)?.[0] ?? sizes.vocabularySize
}

function isImage(spans: Prompt['imageSpans'], place: number): boolean {
  return spans.some(({ start, length }) => start <= place && place < start + length)
}

/** Throws `INVALID_OPTION` for what `encodeImage` of this model did not make. */
export function checkImages({ vision }: Backbone, images: readonly EncodedImage[]): void {
  if (!Array.isArray(images)) throw invalidImage('images', 'must be a list', typeof images)
  for (const [i, image] of images.entries()) {
    const given = image as Partial<EncodedImage> | undefined | null
    const name = `images[${i}]`
    if (given?.tokens === undefined || given.fields === undefined || given.pixels === undefined)
      throw invalidImage(name, 'must come from vlm.encodeImage', typeof image)
    if (vision === undefined) throw invalidImage(name, 'must be left out', 'one for a model of text alone')
    const { tokens, features } = given
    if (features !== undefined && features.size !== tokens * vision.featureSize)
      throw invalidImage(
        name,
        `must have ${tokens} image tokens of width ${vision.featureSize}`,
        `${features.size} numbers of another model`,
      )
  }
}

/** Throws `NOT_FINITE` if a model gave a log-probability that is none. */
export function checkFinite(logProbabilities: Float32Array): void {
  const wrong = logProbabilities.find((value) => !Number.isFinite(value))
  if (wrong !== undefined)
    throw new EvolmmError(
      'NOT_FINITE',
      `model: must give finite log-probabilities, got ${wrong}; look for NaN or too large numbers in the adapter's ` +
        'parameters and in the weights',
    )
}

function invalidAdapter(subject: string, rule: string, got: string): EvolmmError {
  return new EvolmmError(
    'INVALID_ADAPTER',
    `${subject}: ${rule}, got ${got}; pass an adapter of this model`,
    {
      details: { subject },
    },
  )
}

function invalidPrompt(name: string, rule: string, got: string): EvolmmError {
  return new EvolmmError('INVALID_PROMPT', `${name}: ${rule}, got ${got}; make it with this model`, {
    details: { name },
  })
}

function invalidImage(name: string, rule: string, got: string): EvolmmError {
  return new EvolmmError('INVALID_OPTION', `${name}: ${rule}, got ${got}; encode it with this model`, {
    details: { option: name },
  })
}
