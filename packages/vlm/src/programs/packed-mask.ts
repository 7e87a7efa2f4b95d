/** What tokens of packed groups see of each other, as a mask of scores. */
import { op, type Tensor } from '@evolmm/onnx'
import type { MaskKind } from '../backbones/layers'
import type { MaskInputs } from './mask-kinds'
import { integer } from './program-graph'

const hidden = -1e30

/** What masks are made of, int64 [G, rows] each. */
export interface PackedTokens extends Pick<MaskInputs, 'places' | 'imageRuns'> {
  segments: Tensor
}

interface PackedMaskOptions {
  rows: PackedTokens
  columns: PackedTokens
  /** Place of the first row in the pack; that of the first column is 0. @default 0 */
  start?: Tensor | undefined
}

/**
 * Added to the scores, [G, 1, rows, columns]. Rows see no further back than the window of their own sequence, but rows of an
 * image all of it where images are seen whole. Whole numbers are compared as float32, which every provider can do: as
 * integers WebGPU would leave all of it to the CPU; nor has it `Or`.
 */
export function packedMask(
  { window, wholeImages = false }: MaskKind,
  { rows: own, columns: others, start }: PackedMaskOptions,
): Tensor {
  const [rows, columns] = [own.segments, others.segments]
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
  if (window !== undefined && own.places && others.places) {
    const oldest = op.Sub(op.Unsqueeze(float(own.places), [2]), window)
    seen = op.And(seen, op.Greater(op.Unsqueeze(float(others.places), [1]), oldest))
  }
  const none = graph.constant('float32', [], [0])
  let mask = op.Where(seen, none, graph.constant('float32', [], [hidden]))
  if (wholeImages && own.imageRuns && others.imageRuns) {
    const [row, column] = [
      op.Unsqueeze(float(own.imageRuns), [2]),
      op.Unsqueeze(float(others.imageRuns), [1]),
    ]
    mask = op.Where(op.And(op.Equal(row, column), op.Greater(column, 0)), none, mask)
  }
  return op.Unsqueeze(mask, [1])
}
