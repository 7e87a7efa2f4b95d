/** Graphs as text, and the lines of it that errors use. */
import { expect, test } from 'vitest'
import { customOp, describe, EvolmmError, grad, Graph, op, tensorData, type DType } from '@evolmm/onnx'
import { emit } from '../src/ops/emit'

test('every part of a graph has its line', () => {
  const graph = new Graph('text')
  const x = graph.input('x', 'float32', ['n', 2])
  const w = graph.initializer('w', tensorData('float32', [2], [1, 2]))
  const far = graph.initializer('far', {
    dtype: 'float16',
    dims: [2],
    location: 'a.bin',
    offset: 8,
    length: 4,
  })
  const [y] = op.If(
    op.Less(op.ReduceSum(op.Mul(x, w), undefined, { keepdims: 0 }), 0),
    () => [op.Add(x, op.Cast(far, { to: 'float32' }))],
    () => [op.Reshape(x, [-1, 2])],
  )
  graph.output('y', y)
  expect(describe(graph)).toBe(
    [
      'graph text(x: float32 [n, 2])',
      '  w: float32 [2] = [1, 2]',
      '  far: float16 [2] = a.bin@8+4',
      '  constant_1: float32 [] = 0',
      '  constant_2: int64 [2] = [-1, 2]',
      '  Mul_1: float32 [n, 2] = Mul(x, w)',
      '  ReduceSum_1: float32 [] = ReduceSum(Mul_1) {keepdims=0, noop_with_empty_axes=0}',
      '  Less_1: bool [] = Less(ReduceSum_1, constant_1)',
      '  y: float32 [n, 2] = If(Less_1)',
      '    then_branch()',
      '      Cast_1: float32 [2] = Cast(far) {to=float32}',
      '      Add_1: float32 [n, 2] = Add(x, Cast_1)',
      '      return Add_1',
      '    else_branch()',
      '      Reshape_1: float32 [n, 2] = Reshape(x, constant_2) {allowzero=0}',
      '      return Reshape_1',
      '  return y',
    ].join('\n'),
  )
})

const constants: [DType, number[], (number | bigint | boolean)[], string][] = [
  ['float32', [], [0.1], '0.1'],
  ['float32', [4], [1 / 3, -0, Infinity, NaN], '[0.33333334, -0, Infinity, NaN]'],
  ['float64', [2], [0.1, Math.PI], '[0.1, 3.141592653589793]'],
  ['float16', [3], [1.5, -65504, 2 ** -24], '[1.5, -65504, 5.9604645e-8]'],
  ['bfloat16', [2], [-2, 1e30], '[-2, 1e+30]'],
  ['bool', [2], [true, false], '[true, false]'],
  ['int64', [1], [-(2n ** 63n)], '[-9223372036854775808]'],
  ['uint8', [2], [0, 255], '[0, 255]'],
  ['float32', [0], [], '[]'],
  ['float32', [9], [1, 2, 3, 4, 5, 6, 7, 8, 9], 'float32 [9], 36 bytes'],
]
test.each(constants)('%s %j as a constant', (dtype, dims, values, text) => {
  const graph = new Graph()
  graph.constant(dtype, dims, values)
  const line = describe(graph).split('\n')[1]
  // A float16 of 10 bits needs fewer digits than a float32: what is shown is the same number, not the same text.
  if (dtype.endsWith('float16')) {
    const numbers = (list: string) => JSON.parse(list.split(' = ').at(-1) ?? '') as number[]
    for (const [i, value] of numbers(text).entries())
      expect(numbers(line)[i] / value).toBeCloseTo(1, dtype === 'float16' ? 6 : 2)
  } else expect(line).toBe(`  constant_1: ${dtype} [${dims.join(', ')}] = ${text}`)
})

test('functions have their domain, nodes without outputs no equals sign, long lists an end', () => {
  const graph = new Graph('g')
  const clamped = customOp({ name: 'Clamped', forward: (a) => [op.Min(a, 5)], backward: () => [] })
  const x = graph.input('x', 'float32', [2])
  clamped(x)
  const attributes = {
    note: { type: 'string' as const, value: 'a'.repeat(100) },
    scales: { type: 'floats' as const, value: [Math.fround(0.1), 2] },
    axes: { type: 'ints' as const, value: Array.from({ length: 20 }, (_, i) => i) },
    dtype: { type: 'int' as const, value: 7 },
  }
  emit(graph, 'Log', [x], { domain: 'other', outputs: [], attributes })
  expect(describe(graph).split('\n').slice(1)).toEqual([
    '  Clamped_1: float32 [2] = evolmm.Clamped(x)',
    `  other.Log(x) {note="${'a'.repeat(80)}…", scales=[0.1, 2], axes=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, … 4 more], dtype=int64}`,
    '  return ',
    'function evolmm.Clamped(x_1: float32 [2])',
    '  constant_1: float32 [] = 5',
    '  Min_1: float32 [2] = Min(x_1, constant_1)',
    '  return Min_1',
  ])
})

test('errors show the line of the node that cannot be made', () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [2, 3])
  const message = (build: () => unknown): string => {
    try {
      build()
    } catch (error) {
      if (error instanceof EvolmmError) return error.message
    }
    return ''
  }
  expect(message(() => op.Reshape(x, [4]))).toBe(
    'Reshape "Reshape_1": [4] must hold as many elements, got x: float32 [2, 3] and constant_1: int64 [1] = [4] ' +
      'in Reshape(x, constant_1) {allowzero=0}; check what feeds it',
  )
  expect(message(() => op.Transpose(x, { perm: [0, 0] }))).toContain('in Transpose(x) {perm=[0, 0]}; ')
  expect(message(() => op.ConstantOfShape(graph.constant('int64', [1], [-1])))).toContain(
    'in ConstantOfShape(',
  )
  const [scattered] = [
    op.ScatterElements(x, graph.constant('int64', [1, 1], [0]), op.Slice(x, [0, 0], [1, 1]), {
      reduction: 'mul',
    }),
  ]
  expect(message(() => grad(op.ReduceSum(scattered, undefined, { keepdims: 0 }), [x]))).toMatch(
    /is "mul", got ScatterElements\(x, constant_\d+, Slice_1\) \{axis=0, reduction="mul"\}/,
  )
})
