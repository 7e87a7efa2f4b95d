/** Recomputed stretches give the gradients that kept ones give. */
import { expect, test } from 'vitest'
import { checkpoint, op, type Tensor } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'

const layer = (x: Tensor, weight: Tensor): Tensor => op.Tanh(op.MatMul(x, weight))

test.each([false, true])('an input and a captured weight, symbolic %s', async (symbolic) => {
  const error = await gradientError({
    shapes: [
      [2, 3],
      [3, 3],
    ],
    build: ([x, weight]) => checkpoint((a) => [layer(layer(a, weight), weight)], [x]),
    symbolic,
  })
  expect(error).toBeLessThan(1e-6)
})
