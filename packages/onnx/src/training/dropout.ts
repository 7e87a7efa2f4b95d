/**
 * Dropout masks that are functions of a seed and of the element's place, so that nothing is drawn and nothing is kept:
 * the backward pass computes the same mask again.
 *
 * Each row and each column gets a well-mixed 31-bit integer; the element's number is `(2 row + 2 column + 1)^2` modulo
 * 2^32. An odd square runs through every residue that is 1 modulo 8 equally often, so the comparison with a threshold
 * has the wanted probability to 2^-29, and two elements that share a row or a column are independent because the
 * difference of their squares depends on what they share. Over a whole matrix that is an addition and a product of
 * int32, which the runtime has for every provider (shifts and exclusive-ors it has not).
 */
import { checkNames, checkNumber } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import { isTensor, showTensor, type Tensor } from '../graph/graph'
import { Range } from '../ops/creation'
import { Add, Cast, Div, Less, Mul, Where } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { Reshape, Shape } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { operatorFor } from './operator-for'

export interface DropoutOptions {
  /** Share of the elements that become zero, in [0, 1). The others are scaled by 1 / (1 - rate). */
  rate: number
  /** Scalar of type int64 or int32. Give every place and every step another one: neighbours are as good as any. */
  seed: Tensor
}

/** `x` [rows, columns] with elements at random places zero and the others scaled up; the same for the same seed. */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  checkNames('dropout', options, { rate: true, seed: true })
  const { rate, seed } = options
  checkOperands('dropout', { x: { tensor: x, shape: ['rows', 'columns'] } })
  checkDropout('dropout', rate, seed)
  return dropoutOp(rate)(x, seed)[0]
}

const dropoutOp = operatorFor((rate: number) => {
  const scaled = (x: Tensor, rows: Tensor, columns: Tensor) =>
    Mul(drop(x, rows, columns, rate), 1 / (1 - rate))
  return customOp({
    name: 'Dropout',
    forward: (x, seed) => {
      const { rows, columns } = dropoutKeys(x, seed)
      return [scaled(x, rows, columns), rows, columns]
    },
    backward: ({ outputs: [, rows, columns], gradients: [gradient] }) => [
      gradient && scaled(gradient, rows, columns),
    ],
  })
})

/** Throw unless `rate` and `seed` can be used; `name` is the option's owner. */
export function checkDropout(name: string, rate: number, seed: Tensor): void {
  checkNumber(`${name}.rate`, rate, { min: 0, below: 1 })
  if (!isTensor(seed) || (seed.dtype !== 'int64' && seed.dtype !== 'int32') || seed.shape?.length !== 0)
    throw new EvolmmError(
      'INVALID_SEED',
      `${name}: the seed must be a scalar of type int64 or int32, got ${isTensor(seed) ? showTensor(seed) : String(seed)}; cast or reshape it`,
    )
}

/** The numbers of rows [rows, 1] (odd) and of columns [1, columns] (even) for `x` [rows, columns]. */
export function dropoutKeys(x: Tensor, seed: Tensor): { rows: Tensor; columns: Tensor } {
  const { graph } = x.scope
  const [height, width] = [Shape(x, { start: 0, end: 1 }), Shape(x, { start: 1, end: 2 })]
  const total = Add(height, width)
  const [zero, one] = [graph.constant('int32', [], [0]), graph.constant('int32', [], [1])]
  const keys = Mul(mixed(Range(zero, Cast(Reshape(total, []), { to: 'int32' }), one), seed), 2)
  return {
    rows: Add(Reshape(Slice(keys, [0], height), [-1, 1]), 1),
    columns: Reshape(Slice(keys, height, total), [1, -1]),
  }
}

/** `x` where the mask says keep, else 0; not scaled. */
export function drop(x: Tensor, rows: Tensor, columns: Tensor, rate: number): Tensor {
  const number = Add(rows, columns)
  const limit = Math.min(Math.round((1 - rate) * 2 ** 32) - 2 ** 31, 2 ** 31 - 1)
  return Where(Less(Mul(number, number), limit), x, 0)
}

/**
 * One number for each place: three rounds of a product `x (x + c)`, whose high bits depend on all lower ones and not
 * linearly, with its high bits added to the low ones. Division stands for the shift that providers lack. The upper half
 * of a 64-bit seed comes in after the first round.
 */
function mixed(places: Tensor, seed: Tensor): Tensor {
  const round = (x: Tensor, c: number, shift: number): Tensor => {
    const product = Mul(x, Add(x, c))
    return Add(product, Div(product, 2 ** shift))
  }
  const low = Cast(seed, { to: 'int32' })
  const high = seed.dtype === 'int64' ? Cast(Div(seed, 2 ** 32), { to: 'int32' }) : low
  const first = round(Add(Mul(places, -1640531535), Mul(low, 1540483477)), -2048144789, 15)
  return round(round(Add(first, high), -1028477379, 13), 668265263, 16)
}
