/** Custom ops are differentiated by their own rule. */
import { expect, test } from 'vitest'
import { customOp, op } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'

test.each([false, true])('one input, symbolic %s', async (symbolic) => {
  const square = customOp({
    name: 'Square',
    forward: (x) => [op.Mul(x, x)],
    backward: ({ inputs: [x], gradients: [gradient] }) => [gradient && op.Mul(op.Mul(x, 2), gradient)],
  })
  const error = await gradientError({ shapes: [[2, 3]], build: ([x]) => square(x), symbolic })
  expect(error).toBeLessThan(1e-6)
})
