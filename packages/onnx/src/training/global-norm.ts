/**
 * Length of a long vector. Squares are summed in float32 over short rows, which is one fast pass, and the rows' sums in
 * float64. Only when squares overflow or vanish is the vector scaled by its largest element and summed again.
 */
import { customOp } from '../grad/custom-op'
import type { Tensor } from '../graph/graph'
import { sizeOf } from '../graph/shape'
import { If } from '../ops/control-flow'
import { Abs, And, Cast, Div, Greater, Less, Max, Mul, Sqrt } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { ReduceMax, ReduceSum, ReduceSumSquare } from '../ops/reduction'
import { Concat, Reshape, Size } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { divisorBetween } from './divisor'

const operator = customOp({
  name: 'GlobalNorm',
  forward: (x) => {
    const flat = x.shape?.length === 1 ? x : Reshape(x, [-1])
    const sum = sumOfSquares(flat)
    const [norm] = If(
      And(Less(sum, 1e38), Greater(sum, 1e-20)),
      () => [Sqrt(sum)],
      () => {
        const largest = Max(
          ReduceMax(Abs(flat), [0], { keepdims: 0 }),
          x.scope.graph.constant(x.dtype, [], [1e-37]),
        )
        return [Mul(Sqrt(sumOfSquares(Div(flat, largest))), Cast(largest, { to: 'float64' }))]
      },
    )
    return [Cast(norm, { to: x.dtype })]
  },
  backward: ({ inputs: [x], outputs: [norm], gradients: [gradient] }) => [
    gradient && Mul(x, Div(gradient, Max(norm, x.scope.graph.constant(x.dtype, [], [1e-37])))),
  ],
})

/** Euclidean norm of all elements, a scalar. Not finite if and only if an element, or the norm itself, is not. */
export function globalNorm(flat: Tensor): Tensor {
  checkOperands('globalNorm', { flat: { tensor: flat, shape: ['...'] } })
  return operator(flat)[0]
}

/** Sum of squares of a vector, as a float64 scalar. */
function sumOfSquares(flat: Tensor): Tensor {
  const total = (partial: Tensor) => ReduceSum(Cast(partial, { to: 'float64' }), [0], { keepdims: 0 })
  const rows = (x: Tensor, width: number) => ReduceSumSquare(Reshape(x, [-1, width]), [1], { keepdims: 0 })
  const size = sizeOf(flat.shape)
  const width = size === undefined ? undefined : divisorBetween(size, 16, rowWidth)
  if (width !== undefined) return total(rows(flat, width))
  // Any length: whole rows, then what is left.
  const count = Reshape(Size(flat), [1])
  const whole = Mul(Div(count, rowWidth), rowWidth)
  const rest = ReduceSumSquare(Slice(flat, whole, count), [0])
  return total(Concat([rows(Slice(flat, [0], whole), rowWidth), rest], { axis: 0 }))
}

/** Short enough that even equal numbers, whose rounding errors all point one way, add up to 1e-6. */
const rowWidth = 128
