/** Whatever the bytes are: a graph, or an EvolmmError. Never another error, a hang or a huge allocation. */
import fc from 'fast-check'
import { sizedTest } from '@evolmm/internal/testing'
import { describe } from 'vitest'
import { EvolmmError, Graph, op, parse, serialize } from '@evolmm/onnx'
import { AttributeProto_AttributeType as Kind } from '../src/proto/gen/onnx_pb'
import { external, float, model, node, tensor } from './support/broken-model'
import { everything } from './support/everything'

describe('fuzzed', () => {
  const small = new Graph('small')
  small.output('y', op.Softmax(op.Reshape(small.input('x', 'float32', ['n', 4]), [2, -1])))
  const models = [serialize(everything()), serialize(small), model({ initializer: [external('w.bin')] })]
  const limit = 5000 // milliseconds a case: far above any real one, to catch what does not end

  function attempt(bytes: Uint8Array): void {
    const start = performance.now()
    try {
      const graph = parse(bytes)
      if (graph.body.outputs.length > 0) parse(serialize(graph))
    } catch (error) {
      if (!(error instanceof EvolmmError)) throw error
    }
    if (performance.now() - start > limit) throw new Error('too slow')
  }

  const one = fc.constantFrom(...models)
  const sizes = { files: [500, 5000, 100_000] } as const

  sizedTest('flipped bytes', sizes, ({ count, seed }) => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(one, flips, (bytes, changes) => {
        const copy = bytes.slice()
        for (const [at, mask] of changes) copy[at % copy.length] ^= mask
        attempt(copy)
      }),
      { seed, numRuns: count },
    )
  })

  sizedTest('cut short', sizes, ({ count, seed }) => {
    fc.assert(
      fc.property(one, fc.nat(), (bytes, at) => {
        attempt(bytes.slice(0, at % bytes.length))
      }),
      { seed, numRuns: count },
    )
  })

  sizedTest('pieces put together', sizes, ({ count, seed }) => {
    fc.assert(
      fc.property(one, one, fc.nat(), fc.nat(), fc.nat(64), (a, b, i, j, length) => {
        const from = j % b.length
        attempt(
          Buffer.concat([a.slice(0, i % a.length), b.slice(from, from + length), a.slice(i % a.length)]),
        )
      }),
      { seed, numRuns: count },
    )
  })

  sizedTest('random bytes', sizes, ({ count, seed }) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), { seed, numRuns: count })
  })

  sizedTest('fields of a sound message changed', sizes, ({ count, seed }) => {
    // Changes that leave the wire format whole go deeper than flipped bytes do.
    const numbers = fc.constantFrom(-1n, 0n, 1n, 2n ** 31n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n)
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: -5, max: 30 }), fc.nat(3), (a, b, elemType, which) => {
        const ints = { name: 'axes', type: Kind.INTS, ints: [a, b] }
        const axis = { name: 'axis', type: Kind.INT, i: a }
        const opTypes = [
          node('Concat', ['x', 'w'], ['y'], [axis]),
          node('Transpose', ['x'], ['y'], [{ ...ints, name: 'perm' }]),
          node('Reshape', ['x', 'w'], ['y']),
          node('Slice', ['x', 'w', 'w', 'w'], ['y']),
        ]
        const initializer = [tensor({ dataType: 7, int64Data: [a, b] })]
        const input = [{ name: 'x', type: { tensorType: { ...float(2, 3).tensorType, elemType } } }]
        attempt(model({ node: [opTypes[which]], initializer, input }))
      }),
      { seed, numRuns: count },
    )
  })
})
