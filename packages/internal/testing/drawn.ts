import { philox4x32 } from '../src/philox'
import type { Sized } from './sized-test'

/** As many of the items as a test is long, in their order; the seed says which. */
export function drawn<T>(items: readonly T[], { count, seed }: Sized): T[] {
  const ranks = new Map(items.map((item, i) => [item, philox4x32([i, 0, 0, 0], [seed, 0])[0]]))
  const [...order] = ranks.entries()
  const chosen = new Set(
    order
      .sort(([, a], [, b]) => a - b)
      .slice(0, count)
      .map(([item]) => item),
  )
  return items.filter((item) => chosen.has(item))
}
