/** The heads of attention are taken apart and put together here; the query heads that share keys are rows of one product. */
import type { Tensor } from '../graph/graph'
import { Reshape, Transpose } from '../ops/shaping'

export interface HeadSizes {
  heads: number
  /** Heads of keys and values. */
  groups: number
  /** Width of a head. */
  d: number
}

/** The last two axes change places: [B, n, T, d] becomes [B, n, d, T]. */
export const turned = (x: Tensor): Tensor => Transpose(x, { perm: [0, 1, 3, 2] })

/** The ways from one order of axes to another, for attention of these sizes. */
export function headLayout({ heads, groups, d }: HeadSizes) {
  /** The heads are taken apart: [B, T, n d] becomes [B, n, T, d]. */
  const split = (x: Tensor, n: number) => Transpose(Reshape(x, [0, 0, n, d]), { perm: [0, 2, 1, 3] })
  return {
    split,
    /** [B, T, heads d] to [B, groups, heads / groups T, d]: heads that share keys and values in one matrix. */
    group: (x: Tensor) => Reshape(split(x, heads), [0, groups, -1, d]),
    /** The heads are put together: [B, n, T, d] becomes [B, T, n d]. */
    merge: (x: Tensor, n: number) => Reshape(Transpose(x, { perm: [0, 2, 1, 3] }), [0, 0, n * d]),
    /** The heads of turned keys are put together: [B, n, d, T] becomes [B, T, n d]. */
    mergeTurned: (x: Tensor, n: number) => Reshape(Transpose(x, { perm: [0, 3, 1, 2] }), [0, 0, n * d]),
    /** [B, groups, rows, S] to [B, heads, T, S]; `together` is the way back. */
    apart: (x: Tensor) => Reshape(x, [0, heads, -1, 0]),
    together: (x: Tensor) => Reshape(x, [0, groups, -1, 0]),
  }
}
