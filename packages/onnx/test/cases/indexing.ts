import { op, type Graph, type Tensor } from '@evolmm/onnx'
import type { GradientCases } from '../support/gradient-case'

const integers = (graph: Graph, values: number[], dims: number[] = [values.length]): Tensor =>
  graph.constant('int64', dims, values)
/** A list that nothing is known of before the run. */
const atRunTime = (graph: Graph, values: number[]): Tensor =>
  op.Cast(op.Cast(graph.constant('float64', [values.length], values), { to: 'float32' }), { to: 'int64' })
/** Bends what comes in, so that a gradient in the wrong place is a wrong gradient. */
const bend = op.Sin

export const indexing: GradientCases = {
  Gather: [
    {
      name: 'embedding, words more than once',
      shapes: [[5, 3]],
      build: ([x], g) => op.Gather(bend(x), integers(g, [0, 3, 3, 0, 4, 3], [2, 3])),
    },
    {
      name: 'middle axis, from the end',
      shapes: [[2, 3, 2]],
      build: ([x], g) => op.Gather(bend(x), integers(g, [-1, 0, 2, 2]), { axis: 1 }),
      random: (draw) => [[draw.integer(1, 3), 3, draw.integer(1, 3)]],
    },
    {
      name: 'last axis, matrix of indices',
      shapes: [[2, 4]],
      build: ([x], g) => op.Gather(bend(x), integers(g, [0, -1, 2, 0], [2, 2]), { axis: -1 }),
    },
    {
      name: 'one entry',
      shapes: [[3, 4]],
      build: ([x], g) => op.Gather(bend(x), integers(g, [-2], []), { axis: 1 }),
    },
    {
      name: 'one entry at run time',
      shapes: [[3, 4]],
      build: ([x], g) => op.Gather(bend(x), op.Squeeze(atRunTime(g, [1]))),
    },
    { name: 'of a vector', shapes: [[4]], build: ([x], g) => op.Gather(bend(x), integers(g, [1, 1, -4])) },
    {
      name: 'int32 indices',
      shapes: [[3, 2]],
      build: ([x], g) => op.Gather(bend(x), g.constant('int32', [3], [2, 0, 2])),
    },
    {
      name: 'no indices',
      shapes: [
        [3, 2],
        [1, 2],
      ],
      build: ([x, y], g) => op.Concat([op.Gather(bend(x), integers(g, [])), y], { axis: 0 }),
    },
  ],
  GatherElements: [
    {
      shapes: [[3, 3]],
      build: ([x], g) => op.GatherElements(bend(x), integers(g, [0, 2, 2, -1, 0, 0], [2, 3]), { axis: 0 }),
    },
    {
      name: 'last axis',
      shapes: [[2, 3]],
      build: ([x], g) => op.GatherElements(bend(x), integers(g, [1, 1, 0, 2], [2, 2]), { axis: -1 }),
    },
  ],
  GatherND: [
    {
      shapes: [[3, 2, 2]],
      build: ([x], g) => op.GatherND(bend(x), integers(g, [0, 1, -1, 0, 0, 1], [3, 2])),
    },
    {
      name: 'rows',
      shapes: [[3, 2]],
      build: ([x], g) => op.GatherND(bend(x), integers(g, [2, 0, 2, 2], [2, 2, 1])),
    },
    {
      name: 'elements',
      shapes: [[2, 3]],
      build: ([x], g) => op.GatherND(bend(x), integers(g, [1, -1], [1, 2])),
    },
    {
      name: 'batches',
      shapes: [[2, 3, 2]],
      build: ([x], g) => op.GatherND(bend(x), integers(g, [2, 0, 1, 1], [2, 2, 1]), { batch_dims: 1 }),
    },
    {
      name: 'two batch axes',
      shapes: [[2, 2, 3]],
      build: ([x], g) => op.GatherND(bend(x), integers(g, [2, 0, 1, -1], [2, 2, 1]), { batch_dims: 2 }),
    },
  ],
  ScatterElements: [
    {
      shapes: [
        [3, 3],
        [2, 3],
      ],
      build: ([x, u], g) => op.ScatterElements(bend(x), integers(g, [0, 1, -1, 2, 0, 0], [2, 3]), bend(u)),
    },
    {
      name: 'added up',
      shapes: [
        [2, 4],
        [2, 3],
      ],
      build: ([x, u], g) =>
        op.ScatterElements(bend(x), integers(g, [0, 0, 3, 1, 1, 1], [2, 3]), bend(u), {
          axis: 1,
          reduction: 'add',
        }),
    },
  ],
  ScatterND: [
    {
      shapes: [
        [4, 2],
        [2, 2],
      ],
      build: ([x, u], g) => op.ScatterND(bend(x), integers(g, [2, -4], [2, 1]), bend(u)),
    },
    {
      name: 'added up',
      shapes: [[3, 2], [3]],
      build: ([x, u], g) =>
        op.ScatterND(bend(x), integers(g, [0, 1, 0, 1, 2, 0], [3, 2]), bend(u), { reduction: 'add' }),
    },
  ],
  Slice: [
    {
      shapes: [[4, 5]],
      build: ([x]) => op.Slice(bend(x), [1, -3], [3, -1]),
      random: (draw) => [[draw.integer(2, 4), draw.integer(3, 5)]],
    },
    { name: 'open end', shapes: [[2, 3]], build: ([x]) => op.Slice(bend(x), [-2], [2 ** 31], [1]) },
    { name: 'beyond both ends', shapes: [[3]], build: ([x]) => op.Slice(bend(x), [-9], [9], [0], [1]) },
    { name: 'steps', shapes: [[5, 4]], build: ([x]) => op.Slice(bend(x), [0, 1], [5, 4], [0, 1], [2, 2]) },
    {
      name: 'backwards',
      shapes: [[5, 3]],
      build: ([x]) => op.Slice(bend(x), [-1, 2], [-99, 0], [0, -1], [-2, -1]),
    },
    {
      name: 'bounds at run time',
      shapes: [[4, 5]],
      build: ([x], g) => op.Slice(bend(x), atRunTime(g, [1, -9]), atRunTime(g, [-1, 99]), [1, 0]),
    },
    {
      name: 'steps at run time',
      shapes: [[4, 5]],
      build: ([x], g) => op.Slice(bend(x), [0], [9], [1], atRunTime(g, [3])),
    },
    {
      name: 'axes at run time',
      shapes: [[4, 3]],
      build: ([x], g) => op.Slice(bend(x), [1], [3], atRunTime(g, [0])),
    },
    {
      name: 'nothing',
      shapes: [[3], [1]],
      build: ([x, y]) => op.Concat([op.Slice(bend(x), [2], [1]), y], { axis: 0 }),
    },
  ],
  TopK: [
    { shapes: [[3, 5]], build: ([x]) => op.TopK(x, 2) },
    {
      name: 'smallest along the first axis',
      shapes: [[4, 2]],
      build: ([x]) => op.TopK(x, 3, { axis: 0, largest: 0 }),
    },
  ],
  OneHot: [
    {
      ...{ dtype: 'float32', tolerance: 1e-4, reason: 'no float64 kernel' },
      shapes: [[2]],
      build: ([v], g) => op.OneHot(integers(g, [0, 2, -1]), 4, bend(v)),
    },
    {
      ...{ dtype: 'float32', tolerance: 1e-4, reason: 'no float64 kernel' },
      name: 'first axis',
      shapes: [[2]],
      build: ([v], g) => op.OneHot(integers(g, [0, 9]), 3, bend(v), { axis: 0 }),
    },
  ],
}
