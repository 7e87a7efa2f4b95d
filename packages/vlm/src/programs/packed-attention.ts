/**
 * Attention over packed groups: each group is one sequence [prompt][c1]...[cN], and a completion sees the prompt and
 * itself. Groups are rows of a batch; prompts are padded to one length, and so are all completions of a group together.
 * Prompts never look at completions, so their rows have scores for prompts alone.
 */
import { attention, op, type Tensor } from '@evolmm/onnx'
import type { Attend } from '../backbones/layers'

const hidden = -1e30

export interface PackedAttentionOptions {
  /** int64 [G, T]: 0 for the prompt, n for the n-th completion, -1 for padding. */
  segments: Tensor
  /** Places before the first completion, int64 [1]. @default there are no completions */
  promptWidth?: Tensor
}

export function packedAttention({ segments, promptWidth }: PackedAttentionOptions): Attend {
  const { graph } = segments.scope
  const int = (value: number) => graph.constant('int64', [1], [value])
  const whole = op.Concat([op.Shape(segments), int(-1)], { axis: 0 })
  const from = (x: Tensor, start: Tensor, end: Tensor) => op.Slice(x, start, end, [1])
  const prompts = (x: Tensor) => (promptWidth === undefined ? x : from(x, int(0), promptWidth))
  const completions = (x: Tensor, width: Tensor) => from(x, width, int(2 ** 31 - 1))
  const promptMask = packedMask(prompts(segments), prompts(segments))
  const completionMask = promptWidth && packedMask(completions(segments, promptWidth), segments, promptWidth)

  return (_, { q, k, v, heads, keyValueHeads, headSize }) => {
    const [batchQ, batchK, batchV] = [q, k, v].map((rows) => op.Reshape(rows, whole))
    const sizes = { heads, keyValueHeads, headSize }
    const ofPrompts = attention({
      q: prompts(batchQ),
      k: prompts(batchK),
      v: prompts(batchV),
      mask: promptMask,
      ...sizes,
    })
    if (promptWidth === undefined) return op.Reshape(ofPrompts, [-1, heads * headSize])
    const ofCompletions = attention({
      q: completions(batchQ, promptWidth),
      k: batchK,
      v: batchV,
      mask: completionMask,
      ...sizes,
    })
    return op.Reshape(op.Concat([ofPrompts, ofCompletions], { axis: 1 }), [-1, heads * headSize])
  }
}

/**
 * Added to the scores, [G, 1, rows, columns]; the first row stands at place `start`, the first column at 0. Whole
 * numbers are compared as float32, which every provider can do: as integers WebGPU would leave all of it to the CPU.
 */
function packedMask(rows: Tensor, columns: Tensor, start?: Tensor): Tensor {
  const { graph } = rows.scope
  const scalar = (value: number) => graph.constant('int64', [], [value])
  const float = (x: Tensor) => op.Cast(x, { to: 'float32' })
  const count = (x: Tensor) => op.Reshape(op.Shape(x, { start: 1 }), [])
  const first = start === undefined ? scalar(0) : op.Reshape(start, [])
  const place = float(op.Range(first, op.Add(first, count(rows)), scalar(1)))
  const other = float(op.Range(scalar(0), count(columns), scalar(1)))
  const past = op.LessOrEqual(op.Unsqueeze(other, [0]), op.Unsqueeze(place, [1]))
  const theirs = op.Unsqueeze(float(columns), [1])
  // 0 where the column is of the prompt or of the row's own segment; WebGPU has no `Or`.
  const apart = op.Mul(theirs, op.Sub(op.Unsqueeze(float(rows), [2]), theirs))
  const seen = op.And(past, op.Equal(apart, 0))
  const none = graph.constant('float32', [], [0])
  return op.Unsqueeze(op.Where(seen, none, graph.constant('float32', [], [hidden])), [1])
}
