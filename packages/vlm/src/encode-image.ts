/** Images through the vision tower, once. */
import { EvolmmError } from '@evolmm/internal'
import { decodeImage } from './image/decode-image'
import type { Model } from './model'
import { trainableKey } from './model'
import { encodeProgram } from './programs/encode-program'
import { trainsVision } from './programs/learn-program'
import type { Feed } from './backbones/backbone'
import type { MemoryOptions } from './runtime/memory-estimate'
import type { Adapter, EncodedImage, EncodeImageOptions, ImageSource, Prompt } from './types'

export async function encodeImage(
  model: Model,
  source: ImageSource,
  { features: wanted = true }: EncodeImageOptions = {},
): Promise<EncodedImage> {
  const { backbone, files, processor } = model
  const image = { source, ...backbone.imagePatches(await decodeImage(source), processor) }
  if (!wanted) return { ...image, features: undefined }
  model.checkMemory({
    programs: ['encode'],
    promptTokens: 1,
    completionTokens: 1,
    imagePatches: [patchesOf(image)],
  })
  // As the learning pass, whose vision tower must give the very same numbers for an adapter that changes nothing.
  const encode = await model.program('encode base', () => encodeProgram({ backbone, files }), {
    prepack: false,
  })
  const { features } = await encode.run(backbone.visionFeeds([image]))
  return { ...image, features: features.data as Float32Array }
}

/**
 * The work of encoding, for the memory estimate: the policy's own vision tower takes all images at once, that of the
 * base one after another.
 */
export function imageWork(
  prompts: readonly Prompt[],
  trainVision: boolean,
): Pick<MemoryOptions, 'imagePatches' | 'trainVision'> {
  const all = prompts.flatMap(({ images }) => images.map(patchesOf))
  return { trainVision, imagePatches: trainVision || all.length === 0 ? all : [Math.max(...all)] }
}

function patchesOf({ grid: [time, height, width] }: Pick<EncodedImage, 'grid'>): number {
  return time * height * width
}

/** Image tokens of some prompts as the policy sees them: those that were kept, or new ones if it has trained vision. */
export async function policyFeatures(
  model: Model,
  prompts: readonly Prompt[],
  adapter: Adapter | undefined,
): Promise<Feed> {
  const { backbone, files } = model
  const images = prompts.flatMap((prompt) => prompt.images)
  if (images.length === 0 || adapter === undefined || !trainsVision(adapter.trainable))
    return baseFeatures(model, prompts)
  const { trainable, parameters } = adapter
  const encode = await model.program(`encode ${trainableKey(trainable)}`, () =>
    encodeProgram({ backbone, files, trainable }),
  )
  const { features } = await encode.run({
    ...backbone.visionFeeds(images),
    parameters: { dtype: 'float32', dims: [parameters.length], data: parameters },
  })
  return { dtype: 'float32', dims: features.dims, data: features.data as Float32Array }
}

/**
 * Image tokens of some prompts as the base model sees them, [tokens, D]. Throws `INVALID_OPTION` for images that were
 * encoded without.
 */
export function baseFeatures({ backbone }: Model, prompts: readonly Prompt[]): Feed {
  const { hiddenSize } = backbone.sizes
  const parts = prompts.flatMap((prompt) => prompt.images.map(({ features }) => known(features)))
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return { dtype: 'float32', dims: [data.length / hiddenSize, hiddenSize], data }
}

function known(features: Float32Array | undefined): Float32Array {
  if (features !== undefined) return features
  throw new EvolmmError(
    'INVALID_OPTION',
    'images: must be encoded with their features, unless an adapter trains the vision tower and no divergence is asked ' +
      'for, got one without; call encodeImage without { features: false }',
    { details: { option: 'images' } },
  )
}
