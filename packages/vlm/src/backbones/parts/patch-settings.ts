/**
 * The settings of transformers' Qwen2VLImageProcessor: `preprocessor_config.json`, or the `image_processor` part of the
 * `processor_config.json` that newer transformers write instead. Steps that are switched off become ones that change
 * nothing. What the file asks for and we do not implement is refused.
 */
import { join } from 'node:path'
import { checkInteger, isObject } from '@evolmm/internal'
import { z } from 'zod'
import { EvolmmError } from '../../errors'
import { readJson, readOptionalJson } from '../../checkpoint/read-checkpoint-file'
import { resamplings, type Resampling } from '../../image/resize'
import type { ImageOption, ImageOptions } from '../vision'

export interface PatchSettings {
  /** Fewest pixels after resizing. */
  minPixels: number
  /** Most pixels after resizing. */
  maxPixels: number
  /** Side of a patch in pixels. */
  patchSize: number
  /** Frames in a patch; a still image is repeated. */
  temporalPatchSize: number
  /** Side of the square of patches that becomes one token, in patches. */
  mergeSize: number
  /** True if images are resized; if not, their sides must be multiples of `patchSize * mergeSize`. */
  resize: boolean
  resampling: Resampling
  /** Bytes are multiplied by it. */
  rescaleFactor: number
  /** What is subtracted from red, green and blue after rescaling. */
  mean: readonly [number, number, number]
  /** What is left of red, green and blue is divided by this. */
  std: readonly [number, number, number]
}

const count = z.int().min(1)
/** The side of a patch, and how many of them: published models have 14 and 2. */
const side = z.int().min(1).max(256)
/** What is far from bytes, their shares and their spread leaves the numbers of float32. */
const factor = z.number().min(-1e6).max(1e6)
/** Pixels that even the smallest image is resized to: each takes some 30 bytes. */
const mostAtLeast = 2 ** 24
const triple = (each: z.ZodNumber) =>
  z
    .union([each, z.tuple([each, each, each])], { error: 'must be one number or three, in range' })
    .transform((value): [number, number, number] =>
      typeof value === 'number' ? [value, value, value] : value,
    )

/** Defaults are those of transformers' Qwen2VLImageProcessor. */
const schema = z.object({
  min_pixels: count.max(mostAtLeast).nullish(),
  max_pixels: count.nullish(),
  size: z
    .object({ shortest_edge: count.max(mostAtLeast).nullish(), longest_edge: count.nullish() })
    .nullish()
    .transform((size) => size ?? { shortest_edge: 56 * 56, longest_edge: 28 * 28 * 1280 }),
  patch_size: side.default(14),
  temporal_patch_size: side.default(2),
  merge_size: side.default(2),
  do_resize: z.boolean().default(true),
  resample: z
    .literal([...resamplings.keys()], { error: 'must be 0, 1, 2 or 3, the kinds implemented' })
    .default(3)
    .transform((number) => resamplings.get(number) ?? 'bicubic'),
  do_rescale: z.boolean().default(true),
  rescale_factor: factor.default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: triple(factor).default([0.48145466, 0.4578275, 0.40821073]),
  image_std: triple(z.number().min(1e-6).max(1e6)).default([0.26862954, 0.26130258, 0.27577711]),
})

/** The bounds of an image's area after resizing. */
export const areaOptions: ReadonlyMap<'minPixels' | 'maxPixels', ImageOption> = new Map([
  ['minPixels', { kind: 'integer', min: 1 }],
  ['maxPixels', { kind: 'integer', min: 1 }],
])

/** Those bounds that are among checked options. */
export function areaOf({ minPixels, maxPixels }: ImageOptions): { minPixels?: number; maxPixels?: number } {
  return {
    ...(typeof minPixels === 'number' && { minPixels }),
    ...(typeof maxPixels === 'number' && { maxPixels }),
  }
}

/** The bounds of the published processors. */
const publishedBounds = { min_pixels: 56 * 56, max_pixels: 28 * 28 * 16384 }

/**
 * The settings in `folder`, or those of the published models. Throws `CHECKPOINT_FILE_NOT_FOUND` or
 * `CHECKPOINT_FILE_DAMAGED` for the file, `INVALID_CONFIG` for a field of it, and `INVALID_OPTION` for bounds that
 * leave nothing between them.
 */
export async function readPatchSettings(
  folder: string | undefined,
  options: ImageOptions = {},
): Promise<PatchSettings> {
  const bounds = areaOf(options)
  const { file, prefix, value } =
    folder === undefined ? { file: '', prefix: '', value: publishedBounds } : await findSettings(folder)
  const result = schema.safeParse(value, { reportInput: true })
  if (!result.success) {
    const [{ path, message, input }] = result.error.issues as [z.core.$ZodIssue]
    throw invalid(file, `${prefix}${path.join('.')}`, `${message}, got ${JSON.stringify(input)}`)
  }
  const read = result.data
  const bound = (
    option: 'minPixels' | 'maxPixels',
    old: 'min_pixels' | 'max_pixels',
    edge: keyof typeof read.size,
  ) => {
    const given = bounds[option]
    if (given !== undefined) return given
    const pixels = read[old] ?? read.size[edge]
    if (pixels == null) throw invalid(file, `${prefix}size.${edge}`, `must be a number of pixels, got none`)
    return pixels
  }
  const minPixels = bound('minPixels', 'min_pixels', 'shortest_edge')
  const maxPixels = bound('maxPixels', 'max_pixels', 'longest_edge')
  if (minPixels > maxPixels) {
    if (bounds.minPixels === undefined && bounds.maxPixels === undefined)
      throw invalid(file, `${prefix}min_pixels`, `must be at most max_pixels, ${maxPixels}, got ${minPixels}`)
    checkInteger('maxPixels', maxPixels, { min: minPixels })
  }
  return {
    minPixels,
    maxPixels,
    patchSize: read.patch_size,
    temporalPatchSize: read.temporal_patch_size,
    mergeSize: read.merge_size,
    resize: read.do_resize,
    resampling: read.resample,
    rescaleFactor: read.do_rescale ? read.rescale_factor : 1,
    mean: read.do_normalize ? read.image_mean : [0, 0, 0],
    std: read.do_normalize ? read.image_std : [1, 1, 1],
  }
}

async function findSettings(folder: string): Promise<{ file: string; prefix: string; value: unknown }> {
  const joint = await readOptionalJson(folder, 'processor_config.json')
  if (isObject(joint?.image_processor))
    return {
      file: join(folder, 'processor_config.json'),
      prefix: 'image_processor.',
      value: joint.image_processor,
    }
  const name = 'preprocessor_config.json'
  return { file: join(folder, name), prefix: '', value: await readJson(folder, name) }
}

function invalid(file: string, field: string, rule: string): EvolmmError {
  return new EvolmmError('INVALID_CONFIG', `${file}: ${field}: ${rule}; use the file of a supported model`, {
    details: { file, field },
  })
}
