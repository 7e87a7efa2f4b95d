import { op, type Graph, type Tensor } from '@evolmm/onnx'
import type { GradientCases } from '../support/gradient-case'

const integers = (graph: Graph, values: number[]): Tensor => graph.constant('int64', [values.length], values)
/** A list that nothing is known of before the run. */
const atRunTime = (graph: Graph, values: number[]): Tensor =>
  op.Cast(op.Cast(graph.constant('float64', [values.length], values), { to: 'float32' }), { to: 'int64' })
/** Bends what comes in, so that a gradient in the wrong place is a wrong gradient. */
const bend = op.Sin

export const shaping: GradientCases = {
  Reshape: [
    {
      shapes: [[2, 6]],
      build: ([x]) => op.Reshape(bend(x), [3, -1]),
      random: (draw) => [[draw.integer(1, 4), 6]],
    },
    { name: 'copied dimension', shapes: [[2, 3, 1]], build: ([x]) => op.Reshape(bend(x), [0, -1]) },
    { name: 'to a scalar', shapes: [[1, 1]], build: ([x]) => op.Reshape(bend(x), []) },
    {
      name: 'shape of another',
      shapes: [
        [4, 3],
        [2, 6],
      ],
      build: ([x, y]) => op.Mul(op.Reshape(x, op.Shape(y)), y),
    },
  ],
  Transpose: [
    { shapes: [[2, 1, 3]], build: ([x]) => op.Transpose(bend(x), { perm: [2, 0, 1] }) },
    {
      name: 'reversed',
      shapes: [[2, 3]],
      build: ([x]) => op.Transpose(bend(x)),
      random: (draw) => [draw.shape(1, 4)],
    },
  ],
  Squeeze: [
    { shapes: [[1, 3, 1]], build: ([x]) => op.Squeeze(bend(x), [-1]) },
    { name: 'all', shapes: [[1, 3, 1]], build: ([x]) => op.Squeeze(bend(x)) },
  ],
  Unsqueeze: [
    {
      shapes: [[2, 3]],
      build: ([x]) => op.Unsqueeze(bend(x), [0, -1]),
      random: (draw) => [draw.shape(0, 3)],
    },
  ],
  Flatten: [
    { shapes: [[2, 3, 2]], build: ([x]) => op.Flatten(bend(x), { axis: 2 }) },
    { name: 'all in front', shapes: [[2, 3]], build: ([x]) => op.Flatten(bend(x), { axis: 2 }) },
    { name: 'negative axis', shapes: [[2, 3, 2]], build: ([x]) => op.Flatten(bend(x), { axis: -1 }) },
  ],
  Concat: [
    {
      shapes: [
        [2, 1],
        [2, 3],
        [2, 2],
      ],
      build: (inputs) => op.Concat(inputs.map(bend), { axis: -1 }),
      random: (draw) => [1, 2, 3].map(() => [2, draw.integer(1, 3)]),
    },
    {
      name: 'twice the same',
      shapes: [
        [2, 3],
        [1, 3],
      ],
      build: ([x, y]) => op.Concat([x, bend(y), bend(x)], { axis: 0 }),
    },
  ],
  Split: [
    { shapes: [[2, 6]], build: ([x]) => op.Split(bend(x), [1, 3, 2], { axis: -1 }) },
    { name: 'one part used', shapes: [[5, 2]], build: ([x]) => op.Split(bend(x), [1, 2, 2])[1] },
    {
      name: 'equal parts, the last shorter',
      shapes: [[7]],
      build: ([x]) => op.Split(bend(x), undefined, { num_outputs: 3 }),
    },
    {
      name: 'more parts than a shader takes',
      shapes: [[20]],
      build: ([x]) => op.Split(bend(x), undefined, { num_outputs: 20 }).slice(3),
    },
  ],
  Expand: [
    {
      shapes: [[3, 1]],
      build: ([x]) => op.Expand(bend(x), [2, 3, 4]),
      random: (draw) => [[draw.integer(0, 1) * 2 + 1, 1]],
    },
    { name: 'own length kept', shapes: [[2, 3]], build: ([x]) => op.Expand(bend(x), [1, 1]) },
    {
      name: 'to the shape of another',
      shapes: [
        [1, 3],
        [2, 2, 3],
      ],
      build: ([x, y]) => op.Mul(op.Expand(x, op.Shape(y)), y),
    },
  ],
  Tile: [
    {
      shapes: [[2, 1, 3]],
      build: ([x]) => op.Tile(bend(x), [1, 3, 2]),
      random: (draw) => [draw.shape(3, 3)],
    },
    {
      name: 'repeats at run time',
      shapes: [[2, 2]],
      build: ([x], g) => op.Tile(bend(x), atRunTime(g, [2, 3])),
    },
  ],
  Pad: [
    {
      shapes: [[2, 3]],
      build: ([x]) => op.Pad(bend(x), [1, 0, 0, 2], 0.5),
      random: (draw) => [draw.shape(2, 2)],
    },
    { name: 'cut off', shapes: [[3, 4]], build: ([x]) => op.Pad(bend(x), [-1, 1, 0, -2]) },
    { name: 'some axes', shapes: [[2, 3, 2]], build: ([x]) => op.Pad(bend(x), [1, 2], undefined, [-2]) },
    { name: 'numbers at run time', shapes: [[3]], build: ([x], g) => op.Pad(bend(x), atRunTime(g, [1, -1])) },
    { name: 'the value', shapes: [[2, 3], []], build: ([x, v]) => op.Pad(bend(x), [1, -1, 0, 2], bend(v)) },
    {
      name: 'reflect',
      shapes: [[3, 4]],
      build: ([x]) => op.Pad(bend(x), [1, 2, 2, 3], undefined, undefined, { mode: 'reflect' }),
    },
    {
      name: 'edge',
      shapes: [[2, 3]],
      build: ([x]) => op.Pad(bend(x), [1, 0, 0, 2], undefined, undefined, { mode: 'edge' }),
    },
    {
      name: 'wrap',
      shapes: [[4]],
      build: ([x]) => op.Pad(bend(x), [2, 1], undefined, undefined, { mode: 'wrap' }),
    },
  ],
  DepthToSpace: [
    { shapes: [[2, 8, 1, 3]], build: ([x]) => op.DepthToSpace(bend(x), { blocksize: 2 }) },
    {
      name: 'CRD',
      shapes: [[1, 8, 2, 3]],
      build: ([x]) => op.DepthToSpace(bend(x), { blocksize: 2, mode: 'CRD' }),
    },
  ],
  SpaceToDepth: [{ shapes: [[2, 2, 2, 4]], build: ([x]) => op.SpaceToDepth(bend(x), { blocksize: 2 }) }],
  Trilu: [
    { shapes: [[2, 3, 4]], build: ([x]) => op.Trilu(bend(x)) },
    {
      name: 'lower, above the diagonal',
      shapes: [[3, 3]],
      build: ([x]) => op.Trilu(bend(x), 1, { upper: 0 }),
    },
  ],
  ReverseSequence: [
    { shapes: [[4, 3]], build: ([x], g) => op.ReverseSequence(bend(x), integers(g, [4, 1, 3])) },
    {
      name: 'batch first',
      shapes: [[2, 3, 2]],
      build: ([x]) => op.ReverseSequence(bend(x), [2, 3], { batch_axis: 0, time_axis: 1 }),
    },
  ],
}
