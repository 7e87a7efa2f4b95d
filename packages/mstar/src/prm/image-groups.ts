/** Questions that have an image in common, so that they can go together to one side of a split. */
import { createHash } from 'node:crypto'
import type { ImageFile } from '@evolmm/dataset'

/** One text for each list of images; lists with an image in common have the same, directly or through others. */
export function imageGroups(lists: Iterable<readonly string[]>): string[] {
  const parents: number[] = []
  const rootOf = (i: number): number => {
    while (parents[i] !== i) {
      parents[i] = parents[parents[i]]
      i = parents[i]
    }
    return i
  }
  const firstWith = new Map<string, number>()
  for (const images of lists) {
    const own = parents.push(parents.length) - 1
    for (const image of images) {
      const first = firstWith.get(image)
      if (first === undefined) firstWith.set(image, own)
      else parents[rootOf(own)] = rootOf(first)
    }
  }
  return parents.map((_, i) => String(rootOf(i)))
}

/** Equal images have equal keys, by their path or their bytes. */
export function imageKey(image: ImageFile): string {
  return typeof image === 'string' ? image : createHash('sha256').update(image).digest('hex')
}
