/** Changes of settings that take memory from a run, and that nobody would refuse. */
import { resolve, type GivenOf, type Rows, type Schema } from '@evolmm/settings'
import type { OpenedConfig } from '@evolmm/vlm'
import { EvolmmError } from './errors'

/** The area of 112 by 112 pixels: of smaller images little is to be seen. */
const leastArea = 112 ** 2

/** A half of a number, a quarter and so on, down to `least`, and to an eighth unless more `times` are given. */
export function halves<N extends string>(
  name: N,
  from: number,
  least: number,
  times = 3,
): Record<N, number>[] {
  return Array.from({ length: times }, (_, i) => 2 ** (i + 1))
    .map((part) => Math.floor(from / part))
    .filter((value) => value >= least)
    .map((value) => ({ [name]: value }) as Record<N, number>)
}

export function once<C>(needed: boolean, changes: C): C[] {
  return needed ? [changes] : []
}

/** Less area of images; none for models that bound their images in another way, and have other settings for it. */
export function smallerImages(
  models: readonly OpenedConfig[],
  image: { width: number; height: number },
): Record<'max_pixels', number>[] {
  const bounds = models.map((model) => model.imageOptions)
  const leastPixels = Math.max(leastArea, ...bounds.map(({ minPixels }) => Number(minPixels ?? 0)))
  const byArea = bounds.every(({ maxPixels }) => maxPixels !== undefined)
  return byArea ? halves('max_pixels', models[0].layout(image).area, leastPixels) : []
}

/** Some settings exclude others, or have no effect beside them. */
export function accepted<R extends Rows>(schema: Schema<R>, given: GivenOf<Schema<R>>): boolean {
  try {
    resolve(schema, given)
    return true
  } catch (error) {
    if (error instanceof EvolmmError) return false
    throw error
  }
}
