/**
 * A frozen linear layer whose matrix is held in four bits: `y = x W^T + bias`, `W = (code - zero point) scale` in float32.
 *
 * The layout is that of `com.microsoft.MatMulNBits`: each row of W is cut into blocks of equal length with a scale and a
 * zero point each; a byte of the codes holds two neighbours, the first in its low half. The last block of a row is
 * filled up.
 *
 * Two kernels give the same product up to rounding. `packed` is the runtime's own, which rearranges the codes in memory of
 * each node's own; on the CPU it is fast for few rows, and very slow in sessions that must not rearrange. `dequantized`
 * makes W anew each time, one half of its columns after the other, and is for many rows. The backward pass is
 * always that. Neither keeps W: the making waits for the rows that it serves, or the runtime would fold it into a
 * float32 copy when the session is opened, and merge the copies of the forward and the backward pass.
 */
import { EvolmmError } from '@evolmm/internal'
import { customOp } from '../grad/custom-op'
import { int } from '../graph/attribute'
import { showTensor, type Tensor } from '../graph/graph'
import { BitwiseAnd, Cast, Mul, Sub } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { Gemm } from '../ops/matrix'
import { node } from '../ops/node'
import { Concat, Pad, Reshape, Unsqueeze } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { operatorFor } from './operator-for'

export interface QuantizedMatrix {
  /** uint8 [out, blocks, block size / 2] */
  codes: Tensor
  /** float32 [out, blocks] */
  scales: Tensor
  /** uint8 [out, blocks / 2, rounded up]: two in a byte, as the codes. */
  zeroPoints: Tensor
}

export interface QuantizedLinearOptions {
  /** float32 [rows, in], with `in` known. */
  x: Tensor
  /** [out, in], frozen: asking for a gradient is an error. */
  weight: QuantizedMatrix
  /** float32 [out], frozen as well. */
  bias?: Tensor | undefined
  /** @default 'packed' */
  kernel?: 'packed' | 'dequantized' | undefined
}

/** `x W^T + bias`, [rows, out]. */
export function quantizedLinear({ x, weight, bias, kernel = 'packed' }: QuantizedLinearOptions): Tensor {
  checkOperands('quantizedLinear', {
    x: { tensor: x, shape: ['rows', 'in'] },
    scales: { tensor: weight.scales, shape: ['out', 'blocks'] },
    bias: { tensor: bias, shape: ['out'], optional: true },
  })
  const width = x.shape?.[1]
  const { out, blocks, blockSize } = sizesOf(weight)
  if (x.dtype !== 'float32' || typeof width !== 'number' || Math.ceil(width / blockSize) !== blocks)
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `quantizedLinear: x must be float32 with rows of ${blocks} blocks of ${blockSize}, the last perhaps shorter, ` +
        `got ${showTensor(x)}; pass the input of the layer [${out}, in]`,
    )
  const { codes, scales, zeroPoints } = weight
  const given = [x, codes, scales, zeroPoints, bias].filter((tensor) => tensor !== undefined)
  return quantizedOp(kernel, width)(...given)[0]
}

interface Sizes {
  out: number
  /** Of a row. */
  blocks: number
  blockSize: number
}

function sizesOf({ codes, scales, zeroPoints }: QuantizedMatrix): Sizes {
  const [out, blocks, bytes] = codes.shape ?? []
  if (typeof out !== 'number' || typeof blocks !== 'number' || typeof bytes !== 'number')
    throw unfit(codes, 'codes must be uint8 [out, blocks, bytes] of known lengths')
  if (codes.dtype !== 'uint8' || codes.shape?.length !== 3 || bytes < 8 || !Number.isInteger(Math.log2(bytes)))
    throw unfit(codes, 'codes must be uint8 [out, blocks, bytes], a power of two of 8 bytes or more')
  if (scales.dtype !== 'float32' || scales.shape?.join() !== [out, blocks].join())
    throw unfit(scales, `scales must be float32 [${out}, ${blocks}]`)
  if (zeroPoints.dtype !== 'uint8' || zeroPoints.shape?.join() !== [out, Math.ceil(blocks / 2)].join())
    throw unfit(zeroPoints, `zero points must be uint8 [${out}, ${Math.ceil(blocks / 2)}]`)
  return { out, blocks, blockSize: 2 * bytes }
}

function unfit(tensor: Tensor, rule: string): EvolmmError {
  return new EvolmmError(
    'SHAPE_MISMATCH',
    `quantizedLinear: ${rule}, got ${showTensor(tensor)}; quantize the matrix again`,
  )
}

const quantizedOp = operatorFor((kernel: 'packed' | 'dequantized', width: number) =>
  customOp({
    name: 'QuantizedLinear',
    forward: (x, codes, scales, zeroPoints, ...rest) => {
      const weight = { codes, scales, zeroPoints }
      const bias = rest.at(0)
      return [kernel === 'packed' ? packedProduct(x, width, weight, bias) : product(x, width, weight, bias)]
    },
    backward: ({ inputs: [, codes, scales, zeroPoints], gradients: [gradient], needs }) => {
      if (needs.slice(1).some(Boolean))
        throw new EvolmmError(
          'NOT_DIFFERENTIABLE',
          'quantizedLinear: weight and bias must be frozen, but their gradient is asked for; train a LoRA adapter beside it',
        )
      if (gradient === undefined || !needs[0]) return []
      return [transposedProduct(gradient, width, { codes, scales, zeroPoints })]
    },
  }),
)

function packedProduct(x: Tensor, width: number, weight: QuantizedMatrix, bias: Tensor | undefined): Tensor {
  const { out, blockSize } = sizesOf(weight)
  const { codes, scales, zeroPoints } = weight
  // Level 1: arithmetic in float32. Level 4, int8, would make another function of it, of which this is not the gradient.
  const attributes = { K: width, N: out, bits: 4, block_size: blockSize, accuracy_level: 1 }
  return node('MatMulNBits', [x, codes, scales, zeroPoints, undefined, bias], {
    domain: 'com.microsoft',
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, int(value)])),
    outputs: [{ dtype: 'float32', shape: [x.shape?.[0] ?? 'rows', out] }],
  })[0]
}

/** `x W^T + bias` as the sum over even and odd columns, which are the low and the high halves of the codes. */
function product(x: Tensor, width: number, weight: QuantizedMatrix, bias: Tensor | undefined): Tensor {
  const whole = wholeWidth(weight)
  const padded = whole === width ? x : Pad(x, [0, 0, 0, whole - width])
  return halves(x, weight).reduce<Tensor | undefined>((sum, half, first) => {
    const columns = Slice(padded, [first], [whole], [1], [2])
    return Gemm(columns, half(), sum, { transB: 1 })
  }, bias) as Tensor
}

/** `y W`, [rows, in]. */
function transposedProduct(y: Tensor, width: number, weight: QuantizedMatrix): Tensor {
  const whole = wholeWidth(weight)
  const columns = halves(y, weight).map((half) => Unsqueeze(Gemm(y, half()), [2]))
  const result = Reshape(Concat(columns, { axis: 2 }), [-1, whole])
  return whole === width ? result : Slice(result, [0], [width], [1])
}

/** Columns with those that fill up the last block. */
function wholeWidth(weight: QuantizedMatrix): number {
  const { blocks, blockSize } = sizesOf(weight)
  return blocks * blockSize
}

/** What makes the even and the odd columns of W, [out, columns / 2] each, when `rows` are there. */
function halves(rows: Tensor, weight: QuantizedMatrix): (() => Tensor)[] {
  const { out, blocks, blockSize } = sizesOf(weight)
  const { codes, scales, zeroPoints } = weight
  const { graph } = rows.scope
  const nothing = Cast(Slice(Reshape(rows, [-1]), [0], [0]), { to: 'uint8' })
  const mask = (bits: number) => Concat([graph.constant('uint8', [1], [bits]), nothing], { axis: 0 })
  const masks = [mask(0x0f), mask(0xf0)]
  // The high half of a byte is 16 times what it stands for.
  const bitsOf = (bytes: Tensor, half: number) =>
    Cast(BitwiseAnd(bytes, masks[half]), { to: 'float32' })
  const pairs = [0, 1].map((half) => {
    const bits = Unsqueeze(bitsOf(zeroPoints, half), [2])
    return half === 0 ? bits : Mul(bits, 1 / 16)
  })
  const all = Reshape(Concat(pairs, { axis: 2 }), [out, -1, 1])
  const zeros = blocks % 2 === 0 ? all : Slice(all, [0], [blocks], [1])
  const wide = Unsqueeze(scales, [2])
  return [0, 1].map((half) => () => {
    const [zero, scale] = half === 0 ? [zeros, wide] : [Mul(zeros, 16), Mul(wide, 1 / 16)]
    const values = Mul(Sub(bitsOf(codes, half), zero), scale)
    return Reshape(values, [out, (blocks * blockSize) / 2])
  })
}
