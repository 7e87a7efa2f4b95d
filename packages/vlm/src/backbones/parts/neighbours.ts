/**
 * Attention among some of the rows of a vision tower: within windows of an image, or within the whole image.
 *
 * The published code sorts patches by window and back. Here the rows stay where they are: each kind of attention gathers
 * its rows into padded batches and gathers the results back, so nothing depends on an order.
 */
import { op, type AttentionOptions, type Tensor } from '@evolmm/onnx'
import type { Feed, InputDeclaration } from '../feed'

/** Neighbours are the rows that attend to each other, as batches of equal length. */
export interface Neighbours {
  /** Row of each place, int64 [batches, length]; places beyond the last row of a batch repeat any row. */
  rows: Tensor
  /** Added to the scores, [batches, 1, 1, length]: very negative at places that repeat. */
  mask: Tensor
  /** Place of each row in the flattened batches, int64 [patches]. */
  places: Tensor
}

const hidden = -1e30

/**
 * The inputs that `neighboursOf` reads, for as many rows as `patches` stands for; `kind` is in their names. All rows of one
 * image are near each other where it is `whole`.
 */
export function neighbourInputs(kind: string, patches: string, whole: boolean): InputDeclaration[] {
  return [
    { name: `${kind}_rows`, dtype: 'int64', shape: [`${kind}s`, `${kind}_length`], several: whole },
    { name: `${kind}_mask`, dtype: 'float32', shape: [`${kind}s`, 1, 1, `${kind}_length`], several: whole },
    { name: `${kind}_places`, dtype: 'int64', shape: [patches], several: whole },
  ]
}

/** Undefined where a run is of one image, and all of its rows are near each other. */
export function neighboursOf(kind: string, inputs: ReadonlyMap<string, Tensor>): Neighbours | undefined {
  const [rows, mask, places] = ['rows', 'mask', 'places'].map((name) => inputs.get(`${kind}_${name}`))
  return rows && mask && places && { rows, mask, places }
}

/** Values of the inputs, for groups of rows that together are all rows. */
export function neighbourFeeds(kind: string, groups: readonly (readonly number[])[]): Record<string, Feed> {
  const length = Math.max(...groups.map((group) => group.length))
  const patches = groups.reduce((sum, group) => sum + group.length, 0)
  const rows = new BigInt64Array(groups.length * length)
  const mask = new Float32Array(groups.length * length)
  const places = new BigInt64Array(patches)
  for (const [batch, group] of groups.entries()) {
    const start = batch * length
    mask.fill(hidden, start + group.length, start + length)
    for (const [i, row] of group.entries()) {
      rows[start + i] = BigInt(row)
      places[row] = BigInt(start + i)
    }
  }
  return {
    [`${kind}_rows`]: { dtype: 'int64', dims: [groups.length, length], data: rows },
    [`${kind}_mask`]: { dtype: 'float32', dims: [groups.length, 1, 1, length], data: mask },
    [`${kind}_places`]: { dtype: 'int64', dims: [patches], data: places },
  }
}

interface NearSizes {
  heads: number
  headSize: number
  /** `attention`, or that for batches that may be long. */
  attend: (options: AttentionOptions) => Tensor
}

/** Mixed values of each row, [patches, D], for queries, keys and values of that shape. */
export function attendNear(
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  { rows, mask, places }: Neighbours,
  { heads, headSize, attend }: NearSizes,
): Tensor {
  const [batchQ, batchK, batchV] = [q, k, v].map((part) => op.Gather(part, rows))
  const mixed = attend({ q: batchQ, k: batchK, v: batchV, mask, heads, headSize })
  return op.Gather(op.Reshape(mixed, [-1, heads * headSize]), places)
}
