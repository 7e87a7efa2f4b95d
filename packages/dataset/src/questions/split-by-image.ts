/** Questions in parts such that no image is in two of them. */
import { checkInteger, checkList, checkNames, checkObject } from '@evolmm/internal'
import { shuffledOrder } from '../shuffled-order'

export interface SplitOptions<P extends string> {
  /** The number of questions of each part; what fits into none is the rest. */
  sizes: Readonly<Record<P, number>>
  /** @default 0 */
  seed?: number | undefined
}

/** The places of the questions of each part, in ascending order. */
export type Split<P extends string> = Record<P | 'rest', Uint32Array>

/**
 * `images` says for each question what its image is; equal texts are one image. All questions about an image go together, in
 * random order, into the first part that has room for all of them. A part is smaller than it should be only where the
 * questions about an image are too many for the room that is left.
 */
export function splitByImage<const P extends string>(
  images: readonly string[],
  options: SplitOptions<P>,
): Split<P> {
  checkNames('splitByImage', options, { sizes: true, seed: true })
  checkList('images', images)
  checkObject('sizes', options.sizes)
  const { sizes, seed = 0 } = options
  const about = new Map<string, number[]>()
  for (const [i, image] of images.entries()) {
    const questions = about.get(image)
    if (questions === undefined) about.set(image, [i])
    else questions.push(i)
  }
  const parts = (Object.entries(sizes) as [P, number][]).map(([name, size]) => ({
    name,
    left: checkInteger(`sizes.${name}`, size, { min: 0 }),
    places: [] as number[],
  }))
  const rest = { name: 'rest' as const, left: Infinity, places: [] as number[] }
  const groups = [...about.values()]
  for (const g of groups.length === 0 ? [] : shuffledOrder({ length: groups.length, seed, epoch: 0 })) {
    const part = parts.find(({ left }) => left >= groups[g].length) ?? rest
    part.left -= groups[g].length
    part.places.push(...groups[g])
  }
  return Object.fromEntries(
    [...parts, rest].map(({ name, places }) => [name, Uint32Array.from(places).sort()]),
  ) as Split<P>
}
