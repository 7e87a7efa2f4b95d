/** Images as patches: what a `patchTower` reads. */
import ndarray from 'ndarray'
import { EvolmmError } from '../../errors'
import type { ImageOptions, ImageProcessor } from '../vision'
import { fittedSize, imagePatches } from './image-patches'
import { gridLayout } from './patch-grid'
import { areaOf, readPatchSettings, type PatchSettings } from './patch-settings'

/** What the configuration of the model says too. */
export type PatchSizes = Pick<PatchSettings, 'patchSize' | 'temporalPatchSize' | 'mergeSize'>

/** Throws what `readPatchSettings` does, and `INVALID_CONFIG` where images would be cut otherwise than the tower reads them. */
export async function patchProcessor(
  folder: string | undefined,
  options: ImageOptions,
  sizes: PatchSizes,
): Promise<ImageProcessor> {
  const read = await readPatchSettings(folder, options)
  const settings = folder === undefined ? { ...read, ...sizes } : read
  for (const [name, size] of Object.entries(sizes) as [keyof PatchSizes, number][])
    if (settings[name] !== size)
      throw new EvolmmError(
        'INVALID_CONFIG',
        `${folder}: the image processor must have ${name} ${size} as config.json says, got ${settings[name]}; ` +
          'fetch both files from the same model',
        { details: { folder, field: name } },
      )
  const { minPixels, maxPixels, patchSize } = settings
  return {
    options: { minPixels, maxPixels },
    layout: (size, changed = {}) => {
      const { maxPixels: most } = { maxPixels, ...areaOf(changed) }
      const least = Math.min(areaOf(changed).minPixels ?? minPixels, most)
      const within = { ...settings, minPixels: least, maxPixels: most }
      const { width, height } = fittedSize(size, within)
      return gridLayout([1, height / patchSize, width / patchSize], settings)
    },
    prepare: (image) => {
      const { pixels, grid } = imagePatches(image, settings)
      const layout = gridLayout(grid, settings)
      return { ...layout, pixels: ndarray(pixels, [layout.patches, pixels.length / layout.patches]) }
    },
  }
}
