/** Groups of prompts with completions as the inputs of the learning pass. */
import type { Feed } from '../backbones/feed'

export interface PackedPrompt {
  /** Prompt ids [T], image tokens included. */
  ids: Int32Array
  /** [axes, T] */
  positions: Int32Array
  /** Token `i` after the prompt has position `i + delta` on every axis. */
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
  /** Places of a group, and those before its first completion. */
  width: number
  promptWidth: number
}

/**
 * Feeds `ids`, `segments`, `prompt_width`, `positions`, `feature_rows`, `rows` and `tokens` of the learning program, and
 * for layers with masks of other kinds `places` (of a token in its own sequence) and `image_runs` (which stretch of image
 * tokens of its prompt a token belongs to, from 1), int64 [G, T].
 */
export function packGroups(
  groups: readonly PackedGroup[],
  { rowOf = 'prediction' }: { rowOf?: RowOf } = {},
): PackedGroups {
  const promptWidth = Math.max(...groups.map(({ prompt }) => prompt.ids.length))
  const completionWidth = Math.max(
    ...groups.map(({ completions }) => completions.reduce((sum, { ids }) => sum + ids.length, 0)),
  )
  const width = promptWidth + completionWidth
  const { ids: first, positions: of } = groups[0].prompt
  const packed: Packed = {
    total: groups.length * width,
    axes: of.length / first.length,
    ids: new BigInt64Array(groups.length * width),
    segments: new BigInt64Array(groups.length * width).fill(-1n),
    positions: new BigInt64Array((groups.length * width * of.length) / first.length),
    places: new BigInt64Array(groups.length * width),
    imageRuns: new BigInt64Array(groups.length * width),
    ...{ rowOf, rows: [], tokens: [], imageRows: [] },
  }
  for (const [g, { prompt, completions }] of groups.entries()) {
    packPrompt(packed, prompt, g * width)
    let at = g * width + promptWidth
    for (const [c, completion] of completions.entries()) {
      packCompletion(packed, {
        prompt,
        completion,
        segment: c + 1,
        last: g * width + prompt.ids.length - 1,
        at,
      })
      at += completion.ids.length
    }
  }
  const matrix = (data: BigInt64Array): Feed => ({ dtype: 'int64', dims: [groups.length, width], data })
  const vector = (values: readonly bigint[]): Feed => ({
    dtype: 'int64',
    dims: [values.length],
    data: BigInt64Array.from(values),
  })
  return {
    scored: packed.rows.length,
    ...{ width, promptWidth },
    feeds: {
      ids: matrix(packed.ids),
      segments: matrix(packed.segments),
      positions: { dtype: 'int64', dims: [packed.axes, packed.total], data: packed.positions },
      places: matrix(packed.places),
      image_runs: matrix(packed.imageRuns),
      feature_rows: vector(packed.imageRows),
      prompt_width: vector([BigInt(promptWidth)]),
      rows: vector(packed.rows),
      tokens: vector(packed.tokens),
    },
  }
}

/** The row that says something of a token: the one before it, which predicts it, or the token's own. */
type RowOf = 'prediction' | 'token'

interface Packed {
  rowOf: RowOf
  total: number
  axes: number
  ids: BigInt64Array
  segments: BigInt64Array
  positions: BigInt64Array
  places: BigInt64Array
  imageRuns: BigInt64Array
  rows: bigint[]
  tokens: bigint[]
  imageRows: bigint[]
}

/** Writes a prompt from place `start` on. */
function packPrompt(packed: Packed, { ids, positions, imageSpans }: PackedPrompt, start: number): void {
  for (const [i, id] of ids.entries()) {
    // Where features are put in, any row of the embeddings will do.
    packed.ids[start + i] = BigInt(Math.max(id, 0))
    packed.segments[start + i] = 0n
    packed.places[start + i] = BigInt(i)
    for (let axis = 0; axis < packed.axes; axis++)
      packed.positions[axis * packed.total + start + i] = BigInt(positions[axis * ids.length + i])
  }
  for (const [run, span] of imageSpans.entries())
    for (let row = start + span.start; row < start + span.start + span.length; row++) {
      packed.imageRuns[row] = BigInt(run + 1)
      packed.imageRows.push(BigInt(row))
    }
}

interface PackedPlace {
  prompt: PackedPrompt
  completion: PackedCompletion
  segment: number
  /** The row of the prompt's last token, which predicts the first of each completion. */
  last: number
  at: number
}

/** Writes a completion from place `at` on. */
function packCompletion(packed: Packed, { prompt, completion, segment, last, at }: PackedPlace): void {
  const { ids, given = 0 } = completion
  for (const [i, id] of ids.entries()) {
    const row = at + i
    if (i >= given) {
      packed.rows.push(BigInt(packed.rowOf === 'token' ? row : i === 0 ? last : row - 1))
      packed.tokens.push(BigInt(id))
    }
    packed.ids[row] = BigInt(id)
    packed.segments[row] = BigInt(segment)
    packed.places[row] = BigInt(prompt.ids.length + i)
    for (let axis = 0; axis < packed.axes; axis++)
      packed.positions[axis * packed.total + row] = BigInt(prompt.ids.length + i + prompt.delta)
  }
}
