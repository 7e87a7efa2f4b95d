/**
 * Attention over packed groups: each group is one sequence [prompt][c1]...[cN], and a completion sees the prompt and
 * itself. Groups are rows of a batch, padded at the end.
 */
import { attention, op, type Tensor } from '@evolmm/onnx'
import type { Attend } from '../backbones/layers'

const hidden = -1e30

/** `segments`, int64 [G, T]: 0 for the prompt, n for the n-th completion, -1 for padding. */
export function packedAttention(segments: Tensor): Attend {
  const mask = packedMask(segments)
  const shape = op.Shape(segments)
  return (_, { q, k, v, heads, keyValueHeads, headSize }) => {
    const { graph } = q.scope
    const whole = op.Concat([shape, graph.constant('int64', [1], [-1])], { axis: 0 })
    const [batchQ, batchK, batchV] = [q, k, v].map((rows) => op.Reshape(rows, whole))
    const mixed = attention({ q: batchQ, k: batchK, v: batchV, mask, heads, keyValueHeads, headSize })
    return op.Reshape(mixed, [-1, heads * headSize])
  }
}

/** Added to the scores, [G, 1, T, T]. */
function packedMask(segments: Tensor): Tensor {
  const { graph } = segments.scope
  const scalar = (value: number) => graph.constant('int64', [], [value])
  const length = op.Reshape(op.Shape(segments, { start: 1 }), [])
  const place = op.Range(scalar(0), length, scalar(1))
  const past = op.LessOrEqual(op.Unsqueeze(place, [0]), op.Unsqueeze(place, [1]))
  const own = op.Unsqueeze(segments, [2])
  const other = op.Unsqueeze(segments, [1])
  const seen = op.And(past, op.Or(op.Equal(other, 0), op.Equal(own, other)))
  const none = graph.constant('float32', [], [0])
  return op.Unsqueeze(op.Where(seen, none, graph.constant('float32', [], [hidden])), [1])
}
