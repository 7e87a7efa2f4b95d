/** The image processor of a checkpoint, with the options that a caller chose. */
import { checkInteger, isObject } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { ImageOptions, ImageProcessor, Vision } from './backbones/vision'

/**
 * `undefined` for a model of text alone. Throws `INVALID_OPTION` for an option that the model has not, or what its
 * `processor` throws.
 */
export async function openProcessor(
  vision: Vision | undefined,
  folder: string | undefined,
  given: ImageOptions = {},
): Promise<ImageProcessor | undefined> {
  if (!isObject(given)) throw refused('imageOptions', 'must be an object of options by name', typeof given)
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of chosen) {
    const option = vision?.imageOptions.get(name)
    if (option === undefined)
      throw refused(name, `must be one of the image options of the model, ${namesOf(vision)}`, String(value))
    if (option.kind === 'integer') checkInteger(name, value, { min: option.min })
    else if (typeof value !== 'boolean') throw refused(name, 'must be true or false', String(value))
  }
  return vision?.processor(folder, Object.fromEntries(chosen))
}

function namesOf(vision: Vision | undefined): string {
  return vision === undefined ? 'which has none' : [...vision.imageOptions.keys()].join(', ')
}

function refused(option: string, rule: string, got: string): EvolmmError {
  return new EvolmmError('INVALID_OPTION', `${option}: ${rule}, got ${got}; correct it or leave it out`, {
    details: { option },
  })
}
