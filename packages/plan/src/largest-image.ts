/** The image of a data set that takes most patches, found in the headers of the files. */
import { checkList, checkObject } from '@evolmm/internal'
import { join } from 'node:path'
import { imageSize } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { MemoryPlan, PlannedImage } from './memory-plan'

/** Paths of images below a folder, as `scanImages` of `@evolmm/dataset` gives them. */
export interface ImagePaths {
  readonly root: string
  readonly length: number
  at(index: number): string
}

const atOnce = 32

/** What is no image, or too narrow for the model, is passed over, as in training. */
export async function largestImage(plan: ImagePlan, images: ImagePaths): Promise<PlannedImage> {
  checkObject('plan', plan, 'patches')
  checkObject('images', images, 'at')
  const sizes: Size[] = []
  for (let from = 0; from < images.length; from += atOnce) {
    const count = Math.min(atOnce, images.length - from)
    const paths = Array.from({ length: count }, (_, i) => join(images.root, images.at(from + i)))
    for (const size of await Promise.all(paths.map(imageSize))) if (size !== undefined) sizes.push(size)
  }
  return { ...largestSize(plan, sizes), count: images.length }
}

interface Size {
  width: number
  height: number
}
type ImagePlan = Pick<MemoryPlan<object, string>, 'patches'>

/** The size of most patches; one pixel where there is none. */
export function largestSize(plan: ImagePlan, sizes: readonly Size[]): Size {
  checkObject('plan', plan, 'patches')
  checkList('sizes', sizes)
  let [most, largest]: [number, Size] = [0, { width: 1, height: 1 }]
  for (const size of sizes) {
    const count = patchesOf(size)
    if (count > most) [most, largest] = [count, size]
  }
  return largest

  function patchesOf(size: Size): number {
    try {
      return plan.patches(size)
    } catch (error) {
      if (error instanceof EvolmmError && error.code === 'IMAGE_TOO_NARROW') return 0
      throw error
    }
  }
}
