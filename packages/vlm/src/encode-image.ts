/** Images go through the vision tower once. */
import { rowMajor } from '@evolmm/internal'
import ndarray from 'ndarray'
import { EvolmmError } from './errors'
import type { Adapter } from './adapter/adapter'
import type { Feed } from './backbones/feed'
import type { ImageProcessor, PreparedImage, Vision } from './backbones/vision'
import { decodeRgb } from './image/decode-image'
import { trainableKey, type Model } from './model'
import { encodeProgram } from './programs/encode-program'
import type { MemoryOptions } from './runtime/memory-estimate'
import type { EncodedImage, EncodeImageOptions, ImageSource, Prompt } from './types'

export async function encodeImage(
  model: Model,
  source: ImageSource,
  { features: wanted = true }: EncodeImageOptions = {},
): Promise<EncodedImage> {
  const { vision, processor } = seeing(model)
  const image = { source, ...processor.prepare(await decodeRgb(source, processor)) }
  if (!wanted) return { ...image, features: undefined }
  const features = await encodeBase(model, vision, [image])
  return { ...image, features: ndarray(features, [image.tokens, vision.featureSize]) }
}

/** Throws `IMAGES_UNSUPPORTED` for a model of text alone. */
function seeing({ folder, backbone, processor }: Model): { vision: Vision; processor: ImageProcessor } {
  if (backbone.vision !== undefined && processor !== undefined) return { vision: backbone.vision, processor }
  throw new EvolmmError(
    'IMAGES_UNSUPPORTED',
    `image: must go to a model with a vision tower, got ${folder}, a model of text alone; leave images out`,
    { details: { folder } },
  )
}

/** The features that the base model gives the images of one prompt. */
async function encodeBase(
  model: Model,
  vision: Vision,
  images: readonly PreparedImage[],
): Promise<Float32Array> {
  model.checkMemory({
    programs: ['encode'],
    promptTokens: 1,
    completionTokens: 1,
    imagePatches: images.map(({ patches }) => patches),
  })
  // As the learning pass, whose vision tower must give the very same numbers for an adapter that changes nothing.
  const encode = await model.program('encode base', () => encodeProgram({ vision, files: model.files }), {
    prepack: false,
  })
  const { features } = await encode.run(vision.feeds([images]))
  return features.data as Float32Array
}

/** The images of one prompt: as they are, or anew without features where several of them depend on each other. */
export function arranged({ processor }: Model, images: readonly EncodedImage[]): readonly EncodedImage[] {
  if (processor?.together === undefined || images.length < 2) return images
  return processor
    .together(images)
    .map((image, i) => ({ ...image, source: images[i].source, features: undefined }))
}

/**
 * The work of encoding, for the memory estimate: the policy's own vision tower takes all images at once, that of the
 * base one after another.
 */
export function imageWork(
  prompts: readonly Prompt[],
  trainVision: boolean,
): Pick<MemoryOptions, 'imagePatches' | 'trainVision'> {
  const all = prompts.flatMap(({ images }) => images.map(({ patches }) => patches))
  return { trainVision, imagePatches: trainVision || all.length === 0 ? all : [Math.max(...all)] }
}

/** Features of some prompts as the policy sees them: those that were kept, or new ones if it has trained vision. */
export async function policyFeatures(
  model: Model,
  prompts: readonly Prompt[],
  adapter: Adapter | undefined,
): Promise<Feed | undefined> {
  const { vision } = model.backbone
  const images = prompts.map((prompt) => prompt.images)
  if (vision === undefined || images.flat().length === 0 || adapter?.trainable.vision !== true)
    return baseFeatures(model, prompts)
  const { trainable, parameters } = adapter
  const encode = await model.program(`encode ${trainableKey(trainable)}`, () =>
    encodeProgram({ vision, files: model.files, trainable }),
  )
  const { features } = await encode.run({
    ...vision.feeds(images),
    parameters: { dtype: 'float32', dims: [parameters.length], data: parameters },
  })
  return { dtype: 'float32', dims: features.dims, data: features.data as Float32Array }
}

/**
 * Features of some prompts as the base model sees them, [tokens, featureSize]; none for a model of text alone. Throws
 * `INVALID_OPTION` for images that were encoded without.
 */
export async function baseFeatures(model: Model, prompts: readonly Prompt[]): Promise<Feed | undefined> {
  const { processor } = model
  const { vision } = model.backbone
  if (vision === undefined) return undefined
  const parts: Float32Array[] = []
  for (const { images } of prompts)
    if (processor?.together !== undefined && images.length > 1)
      parts.push(await jointFeatures(model, vision, images))
    else parts.push(...images.map(({ features }) => known(features)))
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return { dtype: 'float32', dims: [data.length / vision.featureSize, vision.featureSize], data }
}

async function jointFeatures(
  model: Model,
  vision: Vision,
  images: readonly EncodedImage[],
): Promise<Float32Array> {
  const kept = model.jointFeatures.get(images)
  const features = kept ?? (await encodeBase(model, vision, images))
  model.jointFeatures.set(images, features)
  return features
}

function known(features: EncodedImage['features']): Float32Array {
  if (features !== undefined) return rowMajor(features)
  throw new EvolmmError(
    'INVALID_OPTION',
    'images: must be encoded with their features, unless an adapter trains the vision tower and no divergence is asked ' +
      'for, got one without; call encodeImage without { features: false }',
    { details: { option: 'images' } },
  )
}
