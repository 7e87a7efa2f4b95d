/** Images go through the vision tower once. */
import { checkNames, rowMajor } from '@evolmm/internal'
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
  options: EncodeImageOptions = {},
): Promise<EncodedImage> {
  checkNames('encodeImage', options, { features: true })
  const { features: wanted = true } = options
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
  const { files } = model
  const one = images.length === 1 && files.loops === 'all'
  const key = one ? 'encode base' : 'encode base, several'
  const encode = await model.program(key, () => encodeProgram({ vision, files, one }), { prepack: false })
  const { features } = await encode.run(vision.feeds([images]))
  return features.data as Float32Array
}

/**
 * The images of one prompt: as they are, or made for it where it matters that there are several, without features that are
 * not theirs any more. Prompts about the same images share the list, and so its features.
 */
export function arranged(model: Model, given: readonly EncodedImage[]): readonly EncodedImage[] {
  if (!isArranged(model, given)) return given
  const kept = model.arranged.get(given[0])
  if (kept?.given.length === given.length && kept.given.every((image, i) => image === given[i]))
    return kept.images
  const { backbone, processor } = model
  const cut = processor?.recut?.(given) ?? given
  const images = cut.map((image, i) =>
    image === given[i] && backbone.vision?.joint !== true
      ? given[i]
      : { ...image, source: given[i].source, features: undefined },
  )
  model.arranged.set(given[0], { given: [...given], images })
  return images
}

function isArranged({ backbone, processor }: Model, { length }: readonly EncodedImage[]): boolean {
  return length > 1 && (processor?.recut !== undefined || backbone.vision?.joint === true)
}

/**
 * The work of encoding, for the memory estimate: the policy's own vision tower takes all images at once, that of the
 * base one after another, or those of a prompt whose features depend on each other.
 */
export function imageWork(
  { backbone }: Model,
  prompts: readonly Prompt[],
  trainVision: boolean,
): Pick<MemoryOptions, 'imagePatches' | 'promptFeatures' | 'trainVision'> {
  const patches = prompts.map(({ images }) => images.map((image) => image.patches))
  const runs = backbone.vision?.joint === true ? patches : patches.flat().map((each) => [each])
  const work = (run: readonly number[]) => run.length * Math.max(0, ...run) ** 2
  const heaviest = runs.reduce((most, run) => (work(run) > work(most) ? run : most), [])
  const promptFeatures = Math.max(
    0,
    ...prompts.map(({ images }) => images.reduce((sum, { tokens }) => sum + tokens, 0)),
  )
  return { trainVision, promptFeatures, imagePatches: trainVision ? patches.flat() : heaviest }
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
  const { vision } = model.backbone
  if (vision === undefined) return undefined
  const parts: Float32Array[] = []
  for (const { images } of prompts)
    if (isArranged(model, images)) parts.push(await arrangedFeatures(model, vision, images))
    else parts.push(...images.map(({ features }) => known(features)))
  const data = joined(parts)
  return { dtype: 'float32', dims: [data.length / vision.featureSize, vision.featureSize], data }
}

async function arrangedFeatures(
  model: Model,
  vision: Vision,
  images: readonly EncodedImage[],
): Promise<Float32Array> {
  const kept = model.arrangedFeatures.get(images)
  if (kept !== undefined) return kept
  const runs = vision.joint === true ? [images] : images.map((image) => [image])
  const parts: Float32Array[] = []
  for (const run of runs) {
    const own = run.length === 1 ? run[0].features : undefined
    parts.push(own === undefined ? await encodeBase(model, vision, run) : rowMajor(own))
  }
  const features = joined(parts)
  model.arrangedFeatures.set(images, features)
  return features
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return data
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
