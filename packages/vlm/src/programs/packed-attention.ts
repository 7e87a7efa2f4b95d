/**
 * Attention over packed groups: each group is one sequence [prompt][c1]...[cN], and a completion sees the prompt and
 * itself. Groups are rows of a batch; prompts are padded to one length, and so are all completions of a group together.
 * Prompts never look at completions, so their rows have scores for prompts alone.
 */
import { attention, op, type Tensor } from '@evolmm/onnx'
import type { Attend } from '../backbones/layers'
import { masksOf, type MaskInputs } from './mask-kinds'
import { integer } from './program-graph'

const hidden = -1e30

export interface PackedAttentionOptions extends MaskInputs {
  /** int64 [G, T]: 0 for the prompt, n for the n-th completion, -1 for padding. */
  segments: Tensor
  /** Places before the first completion, int64 [1]. @default there are no completions */
  promptWidth?: Tensor
}

export function packedAttention(options: PackedAttentionOptions): Attend {
  const { segments, promptWidth, kinds, places, imageRuns } = options
  const { graph } = segments.scope
  const int = (value: number) => graph.constant('int64', [1], [value])
  const whole = op.Concat([op.Shape(segments), int(-1)], { axis: 0 })
  const from = (x: Tensor, start: Tensor, end: Tensor) => op.Slice(x, start, end, [1])
  const prompts = (x: Tensor) => (promptWidth === undefined ? x : from(x, int(0), promptWidth))
  const completions = (x: Tensor, width: Tensor) => from(x, width, int(2 ** 31 - 1))
  const promptMasks = masksOf(kinds, ({ window, wholeImages = false }) =>
    packedMask({
      rows: prompts(segments),
      columns: prompts(segments),
      near: window && places && { rows: prompts(places), columns: prompts(places), window },
      imageRuns: wholeImages && imageRuns ? prompts(imageRuns) : undefined,
    }),
  )
  const completionMasks =
    promptWidth &&
    masksOf(kinds, ({ window }) =>
      packedMask({
        rows: completions(segments, promptWidth),
        columns: segments,
        start: promptWidth,
        near: window && places && { rows: completions(places, promptWidth), columns: places, window },
      }),
    )

  return (layer, { q, k, v, heads, keyValueHeads, headSize, scale }) => {
    const [batchQ, batchK, batchV] = [q, k, v].map((rows) => op.Reshape(rows, whole))
    const sizes = { heads, keyValueHeads, headSize, ...(scale !== undefined && { scale }) }
    const ofPrompts = attention({
      q: prompts(batchQ),
      k: prompts(batchK),
      v: prompts(batchV),
      mask: promptMasks[layer],
      ...sizes,
    })
    if (promptWidth === undefined) return op.Reshape(ofPrompts, [-1, heads * headSize])
    const ofCompletions = attention({
      q: completions(batchQ, promptWidth),
      k: batchK,
      v: batchV,
      mask: completionMasks?.[layer],
      ...sizes,
    })
    return op.Reshape(op.Concat([ofPrompts, ofCompletions], { axis: 1 }), [-1, heads * headSize])
  }
}

interface PackedMaskOptions {
  /** Segments of rows and columns, [G, rows] and [G, columns]. */
  rows: Tensor
  columns: Tensor
  /** Place of the first row in the pack; that of the first column is 0. @default 0 */
  start?: Tensor | undefined
  /** Rows see no further back than `window` tokens of their own sequence. */
  near?: { rows: Tensor; columns: Tensor; window: number } | 0 | undefined
  /** Rows of an image see all of its columns, which are the same tokens. */
  imageRuns?: Tensor | undefined
}

/**
 * Added to the scores, [G, 1, rows, columns]. Whole numbers are compared as float32, which every provider can do: as
 * integers WebGPU would leave all of it to the CPU; nor has it `Or`.
 */
function packedMask({ rows, columns, start, near, imageRuns }: PackedMaskOptions): Tensor {
  const { graph } = rows.scope
  const float = (x: Tensor) => op.Cast(x, { to: 'float32' })
  const count = (x: Tensor) => op.Reshape(op.Shape(x, { start: 1 }), [])
  const first = start === undefined ? integer(graph, 0) : op.Reshape(start, [])
  const place = float(op.Range(first, op.Add(first, count(rows)), integer(graph, 1)))
  const other = float(op.Range(integer(graph, 0), count(columns), integer(graph, 1)))
  const past = op.LessOrEqual(op.Unsqueeze(other, [0]), op.Unsqueeze(place, [1]))
  const theirs = op.Unsqueeze(float(columns), [1])
  // 0 where the column is of the prompt or of the row's own segment.
  const apart = op.Mul(theirs, op.Sub(op.Unsqueeze(float(rows), [2]), theirs))
  let seen = op.And(past, op.Equal(apart, 0))
  if (near) {
    const oldest = op.Sub(op.Unsqueeze(float(near.rows), [2]), near.window)
    seen = op.And(seen, op.Greater(op.Unsqueeze(float(near.columns), [1]), oldest))
  }
  const none = graph.constant('float32', [], [0])
  let mask = op.Where(seen, none, graph.constant('float32', [], [hidden]))
  if (imageRuns !== undefined) {
    const [own, run] = [op.Unsqueeze(float(imageRuns), [2]), op.Unsqueeze(float(imageRuns), [1])]
    mask = op.Where(op.And(op.Equal(own, run), op.Greater(run, 0)), none, mask)
  }
  return op.Unsqueeze(mask, [1])
}
