import { checkpoint, op, type Tensor } from '@evolmm/onnx'
import type { GradientCases } from '../support/gradient-case'

const total = (x: Tensor): Tensor => op.ReduceSum(x, undefined, { keepdims: 0 })
/** Both outcomes, whatever `x` is. */
const always = (x: Tensor): Tensor => op.Less(total(op.Mul(x, 0)), 1)
const never = (x: Tensor): Tensor => op.Not(always(x))

export const controlFlow: GradientCases = {
  If: [
    {
      name: 'first branch',
      shapes: [[3]],
      build: ([x]) =>
        op.If(
          always(x),
          () => [op.Mul(x, x)],
          () => [op.Exp(x)],
        ),
    },
    {
      name: 'second branch',
      shapes: [[3]],
      build: ([x]) =>
        op.If(
          never(x),
          () => [op.Mul(x, x)],
          () => [op.Exp(x)],
        ),
    },
    {
      name: 'branches that use different tensors',
      shapes: [[2], [2]],
      build: ([x, y]) =>
        op.If(
          always(x),
          () => [op.Sin(x)],
          () => [op.Exp(y)],
        ),
    },
    {
      name: 'an outer tensor as it is',
      shapes: [[2], [2]],
      build: ([x, y]) =>
        op.If(
          never(x),
          () => [op.Sin(x)],
          () => [y],
        ),
    },
    {
      name: 'one output used',
      shapes: [[2, 2]],
      build: ([x]) =>
        op.If(
          always(x),
          () => [op.Mul(x, x), op.Exp(x)],
          () => [op.Sin(x), x],
        )[1],
    },
    {
      name: 'nested',
      shapes: [[3], [1]],
      build: ([x, y]) =>
        op.If(
          always(x),
          () => {
            const z = op.Mul(x, y)
            return op.If(
              never(y),
              () => [op.Exp(z)],
              () => [op.Mul(op.Sin(z), x)],
            )
          },
          () => [x],
        ),
    },
    {
      name: 'in a checkpoint',
      shapes: [[3], [3]],
      build: ([x, y]) =>
        checkpoint(
          (a) =>
            op
              .If(
                always(a),
                () => [op.Mul(op.Sin(a), y)],
                () => [op.Exp(a)],
              )
              .map(op.Tanh),
          [x],
        ),
    },
    {
      name: 'around a checkpoint',
      shapes: [[3], [3]],
      build: ([x, y]) =>
        op.If(
          always(x),
          () => checkpoint((a) => [op.Mul(op.Sin(a), y)], [op.Exp(x)]),
          () => [x],
        ),
    },
    {
      name: 'constants in a branch',
      shapes: [[2]],
      build: ([x], g) =>
        op.If(
          never(x),
          () => [x],
          () => [op.Mul(x, op.Add(g.constant(x.dtype, [2], [3, 4]), x))],
        ),
    },
  ],
}
