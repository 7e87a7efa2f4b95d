/** Indices that repeat on several threads, and what has no gradient. */
import { describe, expect, test } from 'vitest'
import { EvolmmError, Graph, grad, op, type Tensor } from '@evolmm/onnx'
import { runner } from './support/run'

const total = (x: Tensor): Tensor => op.ReduceSum(x, undefined, { keepdims: 0 })

test.each(['Gather', 'GatherND'] as const)(
  '%s: no sum is lost when few words occur very often',
  async (opType) => {
    const [words, width, count] = [4, 256, 2048]
    const g = new Graph()
    const table = g.input('table', 'float32', [words, width])
    const ids = g.input('ids', 'int64', [count])
    const rows = opType === 'Gather' ? op.Gather(table, ids) : op.GatherND(table, op.Unsqueeze(ids, [1]))
    const [gradient] = grad(total(rows), [table])
    g.output('gradient', op.Identity(gradient))
    const results = await (
      await runner(g)
    )({
      table: { dims: [words, width], data: new Float32Array(words * width) },
      ids: { dims: [count], data: BigInt64Array.from({ length: count }, (_, i) => BigInt((i * 7) % words)) },
    })
    expect(new Set(results.gradient.data as Float32Array)).toEqual(new Set([count / words]))
  },
)

describe('UNSUPPORTED_GRADIENT', () => {
  const scattered = (x: Tensor, g: Graph): Tensor =>
    op.ScatterElements(x, g.constant('int64', [1], [0]), op.Slice(x, [0], [1]), { reduction: 'mul' })
  const refused: [string, (x: Tensor, g: Graph) => Tensor, string][] = [
    ['ScatterElements', scattered, 'reduction must be "none" or "add", is "mul"'],
    [
      'ScatterND',
      (x, g) =>
        op.ScatterND(x, g.constant('int64', [1, 1], [0]), op.Slice(x, [0], [1]), { reduction: 'max' }),
      'reduction must be "none" or "add", is "max"',
    ],
    [
      'Einsum',
      (x) => op.Einsum([op.MatMul(op.Unsqueeze(x, [1]), op.Unsqueeze(x, [0]))], { equation: 'ii->i' }),
      'each letter must occur once in each term',
    ],
    ['Einsum', (x) => op.Einsum([x], { equation: '...->' }), 'an ellipsis must be in another term too'],
  ]
  test.each(refused)('%s %#', (opType, build, reason) => {
    const g = new Graph()
    const x = g.input('x', 'float32', [3])
    const y = build(x, g)
    try {
      grad(total(y), [x])
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(EvolmmError)
      const { code, message } = error as EvolmmError
      expect(code).toBe('UNSUPPORTED_GRADIENT')
      expect(message).toContain(`${opType} "${opType}_1"`)
      expect(message).toContain(reason)
    }
  })
})
