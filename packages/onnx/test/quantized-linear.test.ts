/** Linear layers with four-bit matrices, against a plain reading of the published layout. */
import { expect, test } from 'vitest'
import { grad, Graph, op, quantizedLinear } from '@evolmm/onnx'
import { generator } from './support/check-gradient'
import { runner } from './support/run'

interface Matrix {
  out: number
  width: number
  blockSize: number
  blocks: number
  codes: Uint8Array
  scales: Float32Array
  zeroPoints: Uint8Array
}

/** Codes, scales and zero points at random, the filling of last blocks included. */
function randomMatrix(out: number, width: number, blockSize: number, seed: number): Matrix {
  const random = generator(seed)
  const blocks = Math.ceil(width / blockSize)
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(256 * random()))
  return {
    ...{ out, width, blockSize, blocks },
    codes: bytes((out * blocks * blockSize) / 2),
    scales: Float32Array.from({ length: out * blocks }, () => random() - 0.5),
    zeroPoints: bytes(out * Math.ceil(blocks / 2)),
  }
}

const nibble = (bytes: Uint8Array, index: number) => (bytes[index >> 1] >> (4 * (index & 1))) & 15

/** The matrix as the operator's documentation says: (code - zero point) scale, low half first, rows of zero points padded. */
function dequantized({ out, width, blockSize, blocks, codes, scales, zeroPoints }: Matrix): number[][] {
  return Array.from({ length: out }, (_, row) =>
    Array.from({ length: width }, (__, column) => {
      const block = Math.floor(column / blockSize)
      const code = nibble(codes, row * blocks * blockSize + column)
      const zero = nibble(zeroPoints, 2 * row * Math.ceil(blocks / 2) + block)
      return Math.fround((code - zero) * scales[row * blocks + block])
    }),
  )
}

function initializers(graph: Graph, { out, blocks, blockSize, codes, scales, zeroPoints }: Matrix) {
  const zeros = Uint8Array.from({ length: out * blocks }, (_, i) => {
    const [row, block] = [Math.floor(i / blocks), i % blocks]
    return 17 * nibble(zeroPoints, 2 * row * Math.ceil(blocks / 2) + block)
  })
  const add = (name: string, dtype: 'uint8' | 'float32', dims: number[], data: Uint8Array | Float32Array) =>
    graph.initializer(name, {
      dtype,
      dims,
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })
  return {
    codes: add('codes', 'uint8', [out, blocks, blockSize / 2], codes),
    scales: add('scales', 'float32', [out, blocks], scales),
    zeroPoints: add('zero_points', 'uint8', [out, Math.ceil(blocks / 2)], zeroPoints),
    zeros: add('zeros', 'uint8', [out, blocks], zeros),
  }
}

function values(length: number, seed: number): Float32Array {
  const random = generator(seed)
  return Float32Array.from({ length }, () => 2 * random() - 1)
}

const kernels = ['packed', 'dequantized'] as const
const shapes = [
  ['whole blocks', 6, 64, 32],
  ['an odd number of blocks', 5, 96, 32],
  ['a last block that is not full', 7, 75, 32],
  ['one block that is not full', 3, 20, 32],
  ['blocks of 16', 4, 40, 16],
  ['blocks of 128', 9, 300, 128],
] as const

for (const kernel of kernels)
  test.each(shapes)(`${kernel}: product and gradient with %s`, async (_, out, width, blockSize) => {
    const matrix = randomMatrix(out, width, blockSize, 1)
    const w = dequantized(matrix)
    for (const rows of [1, 3, 20]) {
      const graph = new Graph()
      const x = graph.input('x', 'float32', ['rows', width])
      const bias = graph.input('bias', 'float32', [out])
      const seed = graph.input('seed', 'float32', ['rows', out])
      const y = quantizedLinear({ x, weight: initializers(graph, matrix), bias, kernel })
      graph.output('y', y)
      graph.output('dx', op.Identity(grad(y, [x], { seed })[0]))
      const feeds = {
        x: { dims: [rows, width], data: values(rows * width, 2) },
        bias: { dims: [out], data: values(out, 3) },
        seed: { dims: [rows, out], data: values(rows * out, 4) },
      }
      const got = await (await runner(graph))(feeds)
      for (let r = 0; r < rows; r++) {
        for (let o = 0; o < out; o++) {
          const sum = w[o].reduce((total, value, i) => total + value * feeds.x.data[r * width + i], 0)
          expect(Math.abs((got.y.data[r * out + o] as number) - sum - feeds.bias.data[o])).toBeLessThan(1e-4)
        }
        for (let i = 0; i < width; i++) {
          const sum = w.reduce((total, row, o) => total + row[i] * feeds.seed.data[r * out + o], 0)
          expect(Math.abs((got.dx.data[r * width + i] as number) - sum)).toBeLessThan(5e-5)
        }
      }
    }
  })
