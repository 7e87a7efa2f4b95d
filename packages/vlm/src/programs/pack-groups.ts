/** Groups of prompts with completions as the inputs of the learning pass. */
import type { Feed } from '../backbones/backbone'

export interface PackedPrompt {
  /** Prompt ids [T], image tokens included. */
  ids: Int32Array
  /** [3, T] */
  positions: Int32Array
  /** Token `i` after the prompt has position `i + delta` in all three rows. */
  delta: number
  /** The places of image tokens, in order. */
  imageSpans: readonly { start: number; length: number }[]
}

export interface PackedGroup {
  prompt: PackedPrompt
  completions: readonly PackedCompletion[]
}

interface PackedCompletion {
  ids: Int32Array
  /** The number of first tokens that are not scored. @default 0 */
  given?: number
}

export interface PackedGroups {
  feeds: Record<string, Feed>
  /** Number of scored tokens, which are those of the completions of all groups one after the other. */
  scored: number
}

/** Feeds `ids`, `segments`, `prompt_width`, `positions`, `feature_rows`, `rows` and `tokens` of the learning program. */
export function packGroups(groups: readonly PackedGroup[]): PackedGroups {
  const promptWidth = Math.max(...groups.map(({ prompt }) => prompt.ids.length))
  const completionWidth = Math.max(
    ...groups.map(({ completions }) => completions.reduce((sum, { ids }) => sum + ids.length, 0)),
  )
  const width = promptWidth + completionWidth
  const places = groups.length * width
  const ids = new BigInt64Array(places)
  const segments = new BigInt64Array(places).fill(-1n)
  const positions = new BigInt64Array(3 * places)
  const [rows, tokens, imageRows]: bigint[][] = [[], [], []]

  for (const [g, { prompt, completions }] of groups.entries()) {
    const start = g * width
    const count = prompt.ids.length
    for (let i = 0; i < count; i++) {
      ids[start + i] = BigInt(prompt.ids[i])
      segments[start + i] = 0n
      for (let axis = 0; axis < 3; axis++)
        positions[axis * places + start + i] = BigInt(prompt.positions[axis * count + i])
    }
    for (const span of prompt.imageSpans)
      for (let i = 0; i < span.length; i++) imageRows.push(BigInt(start + span.start + i))
    let at = start + promptWidth
    for (const [c, { ids: own, given = 0 }] of completions.entries()) {
      for (const [i, id] of own.entries()) {
        if (i >= given) {
          // The prompt's last token predicts the first of each completion.
          rows.push(BigInt(i === 0 ? start + count - 1 : at - 1))
          tokens.push(BigInt(id))
        }
        ids[at] = BigInt(id)
        segments[at] = BigInt(c + 1)
        for (let axis = 0; axis < 3; axis++) positions[axis * places + at] = BigInt(count + i + prompt.delta)
        at++
      }
    }
  }
  const vector = (values: bigint[]): Feed => ({
    dtype: 'int64',
    dims: [values.length],
    data: BigInt64Array.from(values),
  })
  return {
    scored: rows.length,
    feeds: {
      ids: { dtype: 'int64', dims: [groups.length, width], data: ids },
      segments: { dtype: 'int64', dims: [groups.length, width], data: segments },
      positions: { dtype: 'int64', dims: [3, places], data: positions },
      feature_rows: vector(imageRows),
      prompt_width: vector([BigInt(promptWidth)]),
      rows: vector(rows),
      tokens: vector(tokens),
    },
  }
}
