/** Shape and type inference, operator by operator, against what ONNX Runtime returns. */
import { sizedTest, type Sizes } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EvolmmError, Graph, op, type Dim, type DType, type Tensor } from '@evolmm/onnx'
import { generator } from './support/check-gradient'
import { lengthOf } from './support/dims'
import { drawFrom } from './support/gradient-case'
import { runner, type Value } from './support/run'
import { samples, type Make } from './support/samples'

/** Samples of each operator; more where an operator has many ways. */
const sizes = (family: string): Sizes =>
  /elementwise|reduction|normalization/.test(family) ? { samples: [6, 20, 200] } : { samples: [20, 40, 1000] }
/** Sessions that open quickly. */
const plain = { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 } as const
const arrays: Partial<Record<DType, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  int64: 'BigInt64Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  bool: 'Uint8Array',
}

/** Build a sample, run it and compare its outputs. */
async function check(make: Make, seed: number): Promise<void> {
  const random = generator(seed)
  random()
  const graph = new Graph('sample')
  const draw = drawFrom(random)
  const lengths = new Map<string, number>()
  const feeds: Record<string, Value> = {}
  // Half of the samples have numbers and constants only, so that much is inferred and little left open.
  const known = draw.integer(0, 1) === 1
  const named = (length: number): Dim => {
    const way = known ? 0 : draw.integer(0, 2)
    const name = way === 1 ? `n${length}` : `m${lengths.size}`
    if (way === 0) return length
    lengths.set(name, length)
    return name
  }
  const input = (dims: readonly number[], dtype: DType = 'float32', given?: readonly number[]): Tensor => {
    const name = `x${Object.keys(feeds).length}`
    const size = dims.reduce((product, dim) => product * dim, 1)
    const values =
      given ?? Array.from({ length: size }, () => (dtype === 'float32' ? 0.1 + 0.8 * random() : 0))
    const data =
      dtype === 'int64'
        ? BigInt64Array.from(values, BigInt)
        : dtype === 'int32'
          ? Int32Array.from(values)
          : Float32Array.from(values)
    feeds[name] = { dims, data }
    return graph.input(name, dtype, dims.map(named))
  }
  const list = (values: readonly number[]): Tensor => {
    if (known || draw.integer(0, 2) > 0) return graph.constant('int64', [values.length], values)
    const name = `x${Object.keys(feeds).length}`
    feeds[name] = { dims: [values.length], data: BigInt64Array.from(values, BigInt) }
    return graph.input(name, 'int64', [values.length])
  }
  const pick = <T>(choices: readonly T[]): T => choices[draw.integer(0, choices.length - 1)]

  const made = make({ ...draw, graph, input, list, pick })
  const tensors = Array.isArray(made) ? made : [made]
  const types = tensors.map(({ dtype, shape }) => ({ dtype, shape }))
  for (const [index, tensor] of tensors.entries()) graph.output(`y${index}`, op.Identity(tensor))
  const results = await (await runner(graph, plain))(feeds)

  for (const [index, { dtype, shape }] of types.entries()) {
    const { dims, data } = results[`y${index}`]
    expect(data.constructor.name).toBe(arrays[dtype])
    if (shape === undefined) continue
    const found = shape.map((dim, axis) => {
      const length = lengthOf(dim, lengths)
      // A name of its own means what it is first seen to be, and the same everywhere.
      if (length === undefined) lengths.set(String(dim), dims[axis])
      return length ?? dims[axis]
    })
    expect(found, `output ${index} [${shape.join(', ')}]`).toEqual([...dims])
  }
}

for (const [family, operators] of Object.entries(samples)) {
  describe(family, () => {
    for (const [opType, make] of Object.entries(operators))
      sizedTest(opType, sizes(family), async ({ count, seed }) => {
        const property = fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), (drawn) => check(make, drawn))
        await fc.assert(property, { seed, numRuns: count })
      })
  })
}

test('every operator has a sample', () => {
  const sampled = Object.values(samples).flatMap((operators) => Object.keys(operators))
  expect(sampled.sort()).toEqual(Object.keys(op).sort())
})

describe('computed shapes stay known', () => {
  const input = (...shape: Dim[]): Tensor => new Graph().input('x', 'float32', shape)
  const at = (x: Tensor, axis: number): Tensor =>
    op.Gather(op.Shape(x), x.scope.graph.constant('int64', [1], [axis]))

  test('heads of attention: [batch, seq, 64] to [batch, 4, seq, 16]', () => {
    const x = input('batch', 'seq', 64)
    const { graph } = x.scope
    const heads = graph.constant('int64', [1], [4])
    const width = op.Div(at(x, 2), heads)
    const split = op.Reshape(x, op.Concat([op.Slice(op.Shape(x), [0], [2]), heads, width], { axis: 0 }))
    expect(split.shape).toEqual(['batch', 'seq', 4, 16])
    const joined = op.Reshape(split, op.Concat([at(x, 0), at(x, 1), op.Mul(heads, width)], { axis: 0 }))
    expect(joined.shape).toEqual(['batch', 'seq', 64])
  })

  test('scalars from Shape, put together by Unsqueeze', () => {
    const x = input('n', 3, 'm')
    const one = (axis: number) =>
      op.Unsqueeze(op.Gather(op.Shape(x), x.scope.graph.constant('int64', [], [axis])), [0])
    expect(op.Reshape(x, op.Concat([one(-1), one(0), one(1)], { axis: 0 })).shape).toEqual(['m', 'n', 3])
  })

  test('-1 where names cancel', () => {
    expect(op.Reshape(input('n', 'm', 6), [-1, 2]).shape).toEqual(['3*m*n', 2])
    const x = input('n', 'm', 6)
    const flat = op.Reshape(x, [-1, 6])
    expect(flat.shape).toEqual(['m*n', 6])
    expect(
      op.Reshape(flat, op.Concat([at(x, 0), x.scope.graph.constant('int64', [2], [-1, 6])], { axis: 0 }))
        .shape,
    ).toEqual(['n', 'm', 6])
  })

  test('sums and differences', () => {
    const x = input('past', 'now')
    const both = op.Add(at(x, 0), at(x, 1))
    expect(op.Concat([x, x], { axis: 0 }).shape).toEqual(['past+past', 'now'])
    expect(op.ConstantOfShape(both).shape).toEqual(['now+past'])
    expect(op.ConstantOfShape(op.Sub(both, at(x, 0))).shape).toEqual(['now'])
    expect(op.ConstantOfShape(op.Sub(op.Add(both, 3), 4)).shape).toEqual(['now+past-1'])
    expect(op.ConstantOfShape(op.Mul(op.Add(at(x, 0), 1), at(x, 1))).shape).toEqual(['(past+1)*now'])
  })

  test('what exporters write for a shape with -1 in it', () => {
    const x = input('n', 1, 3)
    const { graph } = x.scope
    const wanted = op.Concat([at(x, 0), graph.constant('int64', [2], [4, -1])], { axis: 0 })
    const ones = op.ConstantOfShape(op.Shape(wanted), graph.constant('int64', [1], [1]))
    const shape = op.Where(op.Equal(wanted, op.Mul(ones, -1)), ones, wanted)
    expect(op.Expand(x, shape).shape).toEqual(['n', 4, 3])
  })

  test('a range over a length, and a size', () => {
    const x = input('n', 2)
    const { graph } = x.scope
    const number = (value: number) => graph.constant('int64', [], [value])
    const length = op.Gather(op.Shape(x), number(0))
    expect(op.Range(number(0), length, number(1)).shape).toEqual(['n'])
    expect(op.Range(number(0), op.Size(x), number(1)).shape).toEqual(['2*n'])
  })
})

describe('SHAPE_MISMATCH names the node, the operator and the shapes', () => {
  const loss = (scores: Tensor, labels: Tensor, weights?: Tensor) =>
    op.SoftmaxCrossEntropyLoss(scores, op.Cast(labels, { to: 'int64' }), weights)
  const bad: [string, (a: (...shape: Dim[]) => Tensor) => unknown, string][] = [
    ['Reshape', (a) => op.Reshape(a(2, 3), [4]), '[4] must hold as many elements'],
    ['Reshape', (a) => op.Reshape(a(2, 3), [-1, 4]), 'elements must divide by 4'],
    ['Transpose', (a) => op.Transpose(a(2, 3), { perm: [0, 0] }), 'perm [0, 0] must name each axis once'],
    ['Squeeze', (a) => op.Squeeze(a(2, 1), [0]), 'axis 0 must have length 1'],
    ['Flatten', (a) => op.Flatten(a(2, 1), { axis: 3 }), 'axis 3 must be within rank 2'],
    ['Concat', (a) => op.Concat([a(2, 3), a(3, 3)], { axis: 1 }), 'all dimensions but axis 1 must be equal'],
    ['Concat', (a) => op.Concat([a(2, 3), a(3)], { axis: 0 }), 'ranks must be equal'],
    ['Expand', (a) => op.Expand(a(2, 3), [2, 4]), 'must broadcast to [2, 4]'],
    ['Split', (a) => op.Split(a(5), [2, 2]), 'split [2, 2] must add up to the length of axis 0'],
    ['Split', (a) => op.Split(a(5)), 'the sizes of the parts, or their number, must be known'],
    ['Tile', (a) => op.Tile(a(2, 3), [2]), 'repeats must have one number for each axis'],
    ['Pad', (a) => op.Pad(a(2, 3), [1, 1]), 'pads [1, 1] must have two numbers for each axis'],
    ['DepthToSpace', (a) => op.DepthToSpace(a(1, 6, 2, 2), { blocksize: 2 }), 'channels must divide by 4'],
    ['SpaceToDepth', (a) => op.SpaceToDepth(a(1, 6, 3, 2), { blocksize: 2 }), 'sides must divide by 2'],
    ['Trilu', (a) => op.Trilu(a(3)), 'two axes or more'],
    ['MatMul', (a) => op.MatMul(a(2, 3), a(4, 2)), 'inner dimensions must be equal'],
    ['MatMul', (a) => op.MatMul(a(2, 1, 3), a(3, 3, 2)), 'batch dimensions must broadcast'],
    ['Gemm', (a) => op.Gemm(a(2, 3), a(2, 3), undefined, { transA: 0 }), 'inner dimensions must be equal'],
    ['Einsum', (a) => op.Einsum([a(2, 3), a(4, 2)], { equation: 'ij,jk' }), 'axes "j" must be equally long'],
    ['Einsum', (a) => op.Einsum([a(2, 3)], { equation: 'i->i' }), 'a letter for each axis'],
    [
      'Gather',
      (a) => op.Gather(a(2, 3), op.Cast(a(1), { to: 'int64' }), { axis: 2 }),
      'axis 2 must be within',
    ],
    [
      'GatherElements',
      (a) => op.GatherElements(a(2, 3), op.Cast(a(1), { to: 'int64' })),
      'must have one rank',
    ],
    ['GatherND', (a) => op.GatherND(a(2, 3), op.Cast(a(1, 3), { to: 'int64' })), 'must not be deeper'],
    [
      'ScatterElements',
      (a) => op.ScatterElements(a(2, 3), op.Cast(a(1, 3), { to: 'int64' }), a(2, 3)),
      'updates must have the shape of indices',
    ],
    ['ScatterND', (a) => op.ScatterND(a(4, 3), op.Cast(a(2, 1), { to: 'int64' }), a(2, 2)), 'shape [2, 3]'],
    ['Slice', (a) => op.Slice(a(4), [0], [1], [1]), 'axis 1 must be within rank 1'],
    ['Slice', (a) => op.Slice(a(4), [0], [1], [0], [0]), 'steps must not be 0'],
    ['TopK', (a) => op.TopK(a(4), 5), 'k must be at most the length of axis 0'],
    ['EyeLike', (a) => op.EyeLike(a(4)), 'must be a matrix'],
    ['SoftmaxCrossEntropyLoss', (a) => loss(a(2, 3, 4), a(2, 5)), 'input 1 the same without C'],
    ['SoftmaxCrossEntropyLoss', (a) => loss(a(2, 3), a(2, 3)), 'input 1 the same without C'],
    ['SoftmaxCrossEntropyLoss', (a) => loss(a(2), a(2)), 'input 0 must be [N, C, ...]'],
    ['SoftmaxCrossEntropyLoss', (a) => loss(a(2, 3), a(2), a(2)), 'one weight for each class'],
    [
      'NegativeLogLikelihoodLoss',
      (a) => op.NegativeLogLikelihoodLoss(a(2, 3), a(2)),
      'must be int64 or int32',
    ],
    ['Scan', (a) => op.Scan({ states: [], inputs: [a(2), a(3)] }, () => ({ states: [] })), 'equally long'],
  ]

  test.each(bad)('%s %#', (opType, build, rule) => {
    const graph = new Graph()
    const made: Tensor[] = []
    const error = (() => {
      try {
        build((...shape) => {
          made.push(graph.input(`x${made.length}`, 'float32', shape))
          return made[made.length - 1]
        })
      } catch (thrown) {
        return thrown
      }
      return undefined
    })()
    expect(error).toBeInstanceOf(EvolmmError)
    const { code, message, details } = error as EvolmmError
    expect(code).toBe('SHAPE_MISMATCH')
    expect(details).toMatchObject({ opType, node: `${opType}_1` })
    expect(message).toContain(`${opType} "${opType}_1": `)
    expect(message).toContain(rule)
    for (const { shape } of made) expect(message).toContain(`[${shape?.join(', ') ?? ''}]`)
  })
})
