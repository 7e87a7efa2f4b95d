/** A file is read, given a loss that it lacks, differentiated and written: what the README promises of `parse`. */
import { expect, test } from 'vitest'
import { grad, Graph, op, parse, serialize, tensorData } from '@evolmm/onnx'
import { runner } from './support/run'

test('a parsed graph takes further nodes, gradients and outputs', async () => {
  const made = new Graph('scorer')
  const x = made.input('x', 'float32', ['n', 2])
  const w = made.initializer('w', tensorData('float32', [2, 1], [0.5, -1]))
  made.output('score', op.Sigmoid(op.MatMul(x, w)))

  const graph = parse(serialize(made), { initializersAsInputs: ['w'] })
  const [score] = graph.body.outputs
  const weight = graph.body.inputs.find(({ name }) => name === 'w')
  if (weight === undefined) throw new Error('no w')
  const target = graph.input('target', 'float32', ['n', 1])
  const error = op.Sub(score, target)
  const loss = graph.output('loss', op.ReduceSum(op.Mul(error, error), undefined, { keepdims: 0 }))
  graph.output('w_grad', grad(loss, [weight])[0])

  const again = parse(serialize(graph))
  expect(again.body.outputs.map(({ name }) => name)).toEqual(['score', 'loss', 'w_grad'])
  const rows = [
    [1, 2, 1],
    [-1, 0.5, 0],
  ]
  const results = await (
    await runner(again)
  )({
    x: { dims: [2, 2], data: Float32Array.from(rows.flatMap(([a, b]) => [a, b])) },
    target: { dims: [2, 1], data: Float32Array.from(rows.map(([, , t]) => t)) },
    w: { dims: [2, 1], data: Float32Array.of(0.5, -1) },
  })
  // By hand: d/dw (s - t)^2 = 2 (s - t) s (1 - s) x.
  const expected = [0, 0]
  for (const [a, b, t] of rows) {
    const s = 1 / (1 + Math.exp(-(0.5 * a - b)))
    for (const [i, value] of [a, b].entries()) expected[i] += 2 * (s - t) * s * (1 - s) * value
  }
  for (const [i, value] of expected.entries()) expect(results.w_grad.data[i]).toBeCloseTo(value, 6)
})
