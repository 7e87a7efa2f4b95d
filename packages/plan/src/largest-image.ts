/** The image of a data set that takes most patches, found in the headers of the files. */
import { checkObject } from '@evolmm/internal'
import { join } from 'node:path'
import { imageSize } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { PlannedImage, RunPlan } from './plan-run'

/** Paths of images below a folder, as `scanImages` of `@evolmm/dataset` gives them. */
export interface ImagePaths {
  readonly root: string
  readonly length: number
  at(index: number): string
}

const atOnce = 32

/** What is no image, or too narrow for the model, is passed over, as in training. */
export async function largestImage(plan: RunPlan, images: ImagePaths): Promise<PlannedImage> {
  checkObject('plan', plan)
  checkObject('images', images, 'at')
  const { models } = plan
  let most = 0
  let largest = { width: 1, height: 1 }
  for (let from = 0; from < images.length; from += atOnce) {
    const count = Math.min(atOnce, images.length - from)
    const paths = Array.from({ length: count }, (_, i) => join(images.root, images.at(from + i)))
    for (const size of await Promise.all(paths.map(imageSize))) {
      const patches = size === undefined ? 0 : patchesOf(size)
      if (size !== undefined && patches > most) [most, largest] = [patches, size]
    }
  }
  return { ...largest, count: images.length }

  function patchesOf(size: { width: number; height: number }): number {
    try {
      return models.solver.layout(size).patches
    } catch (error) {
      if (error instanceof EvolmmError && error.code === 'IMAGE_TOO_NARROW') return 0
      throw error
    }
  }
}
