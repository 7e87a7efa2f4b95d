/** A graph with one of each: weights inline and in a file, bodies, a custom op, gradients, metadata. */
import { customOp, grad, Graph, op } from '@evolmm/onnx'

const square = customOp({
  name: 'Square',
  forward: (x) => [op.Mul(x, x)],
  backward: ({ inputs: [x], gradients: [g] }) => [g && op.Mul(op.Mul(x, 2), g)],
})

export function everything(): Graph {
  const g = new Graph('everything')
  const x = g.input('x', 'float32', ['n', 3])
  const w = g.initializer('w', { dtype: 'float32', dims: [3, 3], bytes: new Uint8Array(36).fill(7) })
  const e = g.initializer('e', { dtype: 'float32', dims: [3], location: 'a/b.bin', offset: 3, length: 12 })
  const h = op.Add(op.MatMul(square(x)[0], w), e)
  const [y] = op.If(
    op.Less(op.ReduceSum(h, undefined, { keepdims: 0 }), 0),
    () => [op.Mul(h, 2)],
    () => [op.Exp(op.Reshape(h, [-1, 3]))],
  )
  const [l] = op.Loop({ trips: g.constant('int64', [], [3]), carried: [y] }, (_, c) => ({
    carried: [op.Mul(c, 0.5)],
    stacked: [op.ReduceSum(c, [0], { keepdims: 0 })],
  }))
  const loss = op.ReduceSum(y, undefined, { keepdims: 0 })
  const [dx, dw] = grad(loss, [x, w])
  g.output('l', op.Identity(l))
  g.output('dx', op.Identity(dx))
  g.output('dw', op.Identity(dw))
  g.metadata.set('k', 'v')
  return g
}
