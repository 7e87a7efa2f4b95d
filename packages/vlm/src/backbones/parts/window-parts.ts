/**
 * Rows that see a part of their image alone, some of these parts at a time: a whole block is made of their rows, and what is
 * made on the way is never there for all rows.
 */
import { op, type Tensor } from '@evolmm/onnx'
import type { Neighbours } from './neighbours'

/** The rows of all groups, group after group, and how they are shared out. */
export interface WindowParts {
  /** Makes rows [patches, D] of rows [patches, D]: `run` is given some of them and their neighbourhood. */
  map: (x: Tensor, tables: readonly Tensor[], run: RunPart) => Tensor
}

/** Rows [R, D], those of the tables, and who is near whom among them; gives [R, D]. */
type RunPart = (x: Tensor, tables: readonly Tensor[], near: Neighbours) => Tensor

/** Parts of some `size` rows at most, but of one group at least. */
export function windowParts({ rows, mask, places }: Neighbours, size: number): WindowParts {
  const { graph } = rows.scope
  const one = graph.constant('int64', [1], [1])
  const zero = graph.constant('int64', [1], [0])
  const [groups, length] = [op.Shape(rows, { end: 1 }), op.Shape(rows, { start: 1 })]
  const most = op.Max(op.Div(graph.constant('int64', [1], [size]), length), one)
  const trips = op.Div(op.Sub(op.Add(groups, most), 1), most)
  const each = op.Div(op.Sub(op.Add(groups, trips), 1), trips)
  const filled = op.Mul(each, length)
  const flat = (x: Tensor) => op.Reshape(x, [-1])
  // For each place the number of its row, or of the one before it; and the places that hold a row, in order.
  const held = op.Cast(op.GreaterOrEqual(flat(mask), 0), { to: 'int64' })
  const numbers = op.Sub(op.CumSum(held, 0), 1)
  const number = op.Gather(numbers, places)
  const taken = op.ScatterElements(places, number, places)
  const within = op.Reshape(numbers, op.Shape(rows))
  const order = op.Gather(flat(rows), taken)
  const first = op.Gather(within, graph.constant('int64', [], [0]), { axis: 1 })
  const starts = op.Concat([first, op.Shape(places)], { axis: 0 })
  // The part that a row is in, and its place there.
  const part = op.Div(op.Div(places, length), each)
  const place = op.Sub(number, op.Gather(starts, op.Mul(part, each)))
  const back = op.Concat([op.Unsqueeze(part, [1]), op.Unsqueeze(place, [1])], { axis: 1 })
  return {
    map: (x, tables, run) => {
      const width = op.Shape(x, { start: 1 })
      const [stacked] = op.Loop({ trips: op.Reshape(trips, []), carried: [] }, (i) => {
        const [from, to] = [op.Mul(each, i), op.Min(op.Mul(each, op.Add(i, 1)), groups)]
        const [start, end] = [op.Gather(starts, from), op.Gather(starts, to)]
        const own = op.Slice(order, start, end, [0])
        const made = run(
          op.Gather(x, own),
          tables.map((table) => op.Gather(table, own)),
          {
            rows: op.Sub(op.Slice(within, from, to, [0]), start),
            mask: op.Slice(mask, from, to, [0]),
            places: op.Sub(op.Slice(taken, start, end, [0]), op.Mul(from, length)),
          },
        )
        const missing = op.Sub(filled, op.Sub(end, start))
        const full = op.Pad(made, op.Concat([zero, zero, missing, zero], { axis: 0 }))
        return { carried: [], stacked: [op.Reshape(full, op.Concat([filled, width], { axis: 0 }))] }
      })
      return op.GatherND(stacked, back)
    },
  }
}
