/** Activations of vision towers against their formulas, in float64. */
import { grad, Graph, op, serialize, type Tensor } from '@evolmm/onnx'
import { InferenceSession, Tensor as Value } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { gelu, quickGelu } from '../src/backbones/parts/activations'

/** Abramowitz and Stegun's series for the error function. */
function erf(x: number): number {
  let [term, sum] = [x, x]
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const formulas = {
  gelu: (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  quickGelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
}

test.each([
  ['gelu', gelu],
  ['quickGelu', quickGelu],
] as const)('%s and its gradient are those of the formula', async (name, activation) => {
  const graph = new Graph('activation', { opset: 18 })
  const x: Tensor = graph.input('x', 'float32', ['n'])
  const y = activation(x)
  graph.output('y', op.Identity(y))
  graph.output('dx', grad(op.ReduceSum(y, undefined, { keepdims: 0 }), [x])[0])
  const session = await InferenceSession.create(serialize(graph))
  const values = Float32Array.from({ length: 81 }, (_, i) => (i - 40) / 10)
  const results = await session.run({ x: new Value('float32', values, [values.length]) })
  await session.release()
  const formula = formulas[name]
  for (const [i, value] of values.entries()) {
    expect(results.y.data[i]).toBeCloseTo(formula(value), 5)
    const step = 1e-5
    const slope = (formula(value + step) - formula(value - step)) / (2 * step)
    expect(results.dx.data[i]).toBeCloseTo(slope, 5)
  }
})

test('large numbers of either sign have finite gradients', async () => {
  const graph = new Graph('activation', { opset: 18 })
  const x = graph.input('x', 'float32', ['n'])
  graph.output('dx', grad(op.ReduceSum(quickGelu(x), undefined, { keepdims: 0 }), [x])[0])
  const session = await InferenceSession.create(serialize(graph))
  const { dx } = await session.run({ x: new Value('float32', Float32Array.of(-1e4, -100, 100, 1e4), [4]) })
  await session.release()
  expect([...(dx.data as Float32Array)]).toEqual(
    [0, 0, 1, 1].map((value) => expect.closeTo(value, 6) as number),
  )
})
