/** The masks of the image features that tokens of packed groups see, as the inputs of `crossInputs`. */
import type { Backbone } from '../backbones/backbone'
import type { Feed } from '../backbones/feed'
import type { PreparedImage } from '../backbones/vision'
import type { PackedGroup, PackedGroups } from './pack-groups'

export interface CrossGroup extends PackedGroup {
  prompt: PackedGroup['prompt'] & { images: readonly PreparedImage[] }
}

const hidden = -1e30

/** Nothing for models that attend to no features. */
export function crossFeeds(
  { vision }: Pick<Backbone, 'vision'>,
  groups: readonly CrossGroup[],
  { promptWidth, width }: Pick<PackedGroups, 'promptWidth' | 'width'>,
): Record<string, Feed> {
  const sees = vision?.sees
  if (sees === undefined) return {}
  const counts = groups.map(({ prompt }) => prompt.images.reduce((sum, { tokens }) => sum + tokens, 0))
  const total = counts.reduce((sum, count) => sum + count, 0)
  const most = Math.max(1, ...counts)
  const rows = new BigInt64Array(groups.length * most).fill(BigInt(total))
  const mask = new Float32Array(groups.length * width * most).fill(hidden)
  let first = 0
  for (const [g, { prompt, completions }] of groups.entries()) {
    const count = counts[g]
    for (let i = 0; i < count; i++) rows[g * most + i] = BigInt(first + i)
    first += count
    const seen = sees(prompt.ids, prompt.images)
    const put = (place: number, token: number) => {
      const to = (g * width + place) * most
      for (let i = 0; i < count; i++) if (seen[token * count + i] !== 0) mask[to + i] = 0
    }
    for (let token = 0; token < prompt.ids.length; token++) put(token, token)
    const scored = completions.reduce((sum, { ids }) => sum + ids.length, 0)
    for (let i = 0; i < scored; i++) put(promptWidth + i, prompt.ids.length - 1)
  }
  return {
    cross_rows: { dtype: 'int64', dims: [groups.length, most], data: rows },
    cross_mask: { dtype: 'float32', dims: [groups.length, width, most], data: mask },
    cross_there: {
      dtype: 'float32',
      dims: [groups.length],
      data: Float32Array.from(counts, (count) => (count > 0 ? 1 : 0)),
    },
  }
}
