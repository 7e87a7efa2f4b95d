/** The image of a data set that takes most patches, found in the headers of the files. */
import { join } from 'node:path'
import type { ScannedImages } from '@evolmm/dataset'
import { imageSize, type OpenedConfig } from '@evolmm/vlm'
import type { PlannedImage } from './plan-run'

const atOnce = 32

/** What is no image, or too narrow for the model, is passed over, as in training. */
export async function largestImage(
  images: ScannedImages,
  { layout }: Pick<OpenedConfig, 'layout'>,
): Promise<PlannedImage> {
  let most = 0
  let largest = { width: 1, height: 1 }
  for (let from = 0; from < images.length; from += atOnce) {
    const count = Math.min(atOnce, images.length - from)
    const paths = Array.from({ length: count }, (_, i) => join(images.root, images.at(from + i)))
    for (const size of await Promise.all(paths.map(imageSize))) {
      if (size === undefined || !(Math.max(size.width / size.height, size.height / size.width) <= 200))
        continue
      const { patches } = layout(size)
      if (patches > most) [most, largest] = [patches, size]
    }
  }
  return { ...largest, count: images.length }
}
