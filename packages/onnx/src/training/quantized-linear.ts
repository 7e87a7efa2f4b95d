/**
 * A frozen linear layer whose matrix is held in four bits: `y = x W^T + bias`, `W = (code - zero point) scale` in float32.
 *
 * The layout is that of `com.microsoft.MatMulNBits`: each row of W is cut into blocks of equal length with a scale and a
 * zero point each; a byte of the codes holds two neighbours, the first in its low half. The last block of a row is
 * filled up.
 *
 * Two kernels give the same product up to rounding. `packed` is the runtime's own, which rearranges the codes in memory of
 * each node's own; on the CPU it is fast for few rows, and very slow in sessions that must not rearrange. `dequantized`
 * makes W anew each time, and is for many rows. The backward pass is always that. Neither keeps W: the making waits for
 * the rows that it serves, or the runtime would fold it into a float32 copy when the session is opened, and merge the
 * copies of the forward and the backward pass.
 *
 * The backward pass of `packed` parts bytes by division: masks would be faster, but the CUDA provider has no
 * `BitwiseAnd`, and every matrix would cross to the host and back.
 */
import { checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { customOp } from '../grad/custom-op'
import { int } from '../graph/attribute'
import { showTensor, type CustomBackward, type Tensor } from '../graph/graph'
import { BitwiseAnd, Cast, Div, Mul, Sub } from '../ops/elementwise'
import { Slice } from '../ops/indexing'
import { Gemm } from '../ops/matrix'
import { node } from '../ops/node'
import { Concat, Pad, Reshape, Transpose } from '../ops/shaping'
import { checkOperands } from './check-operands'
import { operatorFor } from './operator-for'

export interface QuantizedMatrix {
  /** uint8 [out, blocks, block size / 2] */
  codes: Tensor
  /** float32 [out, blocks] */
  scales: Tensor
  /** uint8 [out, blocks / 2, rounded up]: two in a byte, as the codes. */
  zeroPoints: Tensor
  /** uint8 [out, blocks]: each zero point in both halves of a byte. */
  zeros: Tensor
}

export interface QuantizedLinearOptions {
  /** The input, float32 [rows, in], where `in` must be known. */
  x: Tensor
  /** [out, in], frozen: asking for a gradient is an error. */
  weight: QuantizedMatrix
  /** The bias, float32 [out], which is frozen as well. */
  bias?: Tensor | undefined
  /** @default 'packed' */
  kernel?: 'packed' | 'dequantized' | undefined
}

/** `x W^T + bias`, [rows, out]. */
export function quantizedLinear(options: QuantizedLinearOptions): Tensor {
  checkNames('quantizedLinear', options, { x: true, weight: true, bias: true, kernel: true })
  const { x, weight, bias, kernel = 'packed' } = options
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
  const blocked = {
    codes: viewed(weight.codes, [out, 1, blocks, blockSize / 2]),
    scales: viewed(weight.scales, [out, 1, blocks, 1]),
    zeros: viewed(weight.zeros, [out, 1, blocks, 1]),
  }
  const given = [x, blocked.codes, blocked.scales, blocked.zeros, bias].filter(
    (tensor) => tensor !== undefined,
  )
  if (kernel === 'dequantized') return dequantizedOp(width)(...given)[0]
  return packedOp(width)(...given, weight.codes, weight.scales, weight.zeroPoints)[0]
}

interface Sizes {
  out: number
  /** The number of blocks in a row. */
  blocks: number
  blockSize: number
}

function sizesOf({ codes, scales, zeroPoints, zeros }: QuantizedMatrix): Sizes {
  const [out, blocks, bytes] = codes.shape ?? []
  if (typeof out !== 'number' || typeof blocks !== 'number' || typeof bytes !== 'number')
    throw unfit(codes, 'codes must be uint8 [out, blocks, bytes] of known lengths')
  if (
    codes.dtype !== 'uint8' ||
    codes.shape?.length !== 3 ||
    bytes < 8 ||
    !Number.isInteger(Math.log2(bytes))
  )
    throw unfit(codes, 'codes must be uint8 [out, blocks, bytes], a power of two of 8 bytes or more')
  if (scales.dtype !== 'float32' || scales.shape?.join() !== [out, blocks].join())
    throw unfit(scales, `scales must be float32 [${out}, ${blocks}]`)
  if (zeroPoints.dtype !== 'uint8' || zeroPoints.shape?.join() !== [out, Math.ceil(blocks / 2)].join())
    throw unfit(zeroPoints, `zero points must be uint8 [${out}, ${Math.ceil(blocks / 2)}]`)
  if (zeros.dtype !== 'uint8' || zeros.shape?.join() !== [out, blocks].join())
    throw unfit(zeros, `zeros must be uint8 [${out}, ${blocks}]`)
  return { out, blocks, blockSize: 2 * bytes }
}

function unfit(tensor: Tensor, rule: string): EvolmmError {
  return new EvolmmError(
    'SHAPE_MISMATCH',
    `quantizedLinear: ${rule}, got ${showTensor(tensor)}; quantize the matrix again`,
  )
}

/** The same tensors with an axis for the halves of bytes: [out, 1, blocks, …]. */
type Blocked = Pick<QuantizedMatrix, 'codes' | 'scales' | 'zeros'>

const dequantizedOp = operatorFor((width: number) =>
  customOp({
    name: 'QuantizedLinear',
    forward: (x, codes, scales, zeros, bias) => [product(x, width, { codes, scales, zeros }, bias)],
    backward: backward(width, maskedHalves),
  }),
)

const packedOp = operatorFor((width: number) =>
  customOp({
    name: 'PackedLinear',
    // After the blocked tensors, which are for the backward pass: bias if any, then what the runtime's kernel takes.
    forward: (...inputs) => {
      const [x, bias] = [inputs[0], inputs.length > 7 ? inputs[4] : undefined]
      return [packedProduct(x, width, inputs.slice(-3), bias)]
    },
    backward: backward(width, dividedHalves),
  }),
)

function backward(width: number, halves: Halves): CustomBackward {
  return ({ inputs: [, codes, scales, zeros], gradients: [gradient], needs }) => {
    if (needs.slice(1).some(Boolean))
      throw new EvolmmError(
        'NOT_DIFFERENTIABLE',
        'quantizedLinear: weight and bias must be frozen, but their gradient is asked for; train a LoRA adapter beside it',
      )
    if (gradient === undefined || !needs[0]) return []
    return [transposedProduct(gradient, width, { codes, scales, zeros }, halves)]
  }
}

function packedProduct(
  x: Tensor,
  width: number,
  [codes, scales, zeroPoints]: readonly Tensor[],
  bias: Tensor | undefined,
): Tensor {
  const [out, , bytes] = codes.shape as readonly number[]
  // Level 1: arithmetic in float32. Level 4, int8, would make another function of it, of which this is not the gradient.
  const attributes = { K: width, N: out, bits: 4, block_size: 2 * bytes, accuracy_level: 1 }
  return node('MatMulNBits', [x, codes, scales, zeroPoints, undefined, bias], {
    domain: 'com.microsoft',
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, int(value)])),
    outputs: [{ dtype: 'float32', shape: [x.shape?.[0] ?? 'rows', out] }],
  })[0]
}

/** `x W^T + bias`. */
function product(x: Tensor, width: number, weight: Blocked, bias: Tensor | undefined): Tensor {
  const whole = wholeWidth(weight)
  const padded = whole === width ? x : Pad(x, [0, 0, 0, whole - width])
  const pairs = Mul(Reshape(padded, [-1, whole / 2, 2]), halfScale(x))
  const columns = Reshape(Transpose(pairs, { perm: [0, 2, 1] }), [-1, whole])
  return Gemm(columns, dequantized(x, weight, maskedHalves), bias, { transB: 1 })
}

/** `y W`, [rows, in]. */
function transposedProduct(y: Tensor, width: number, weight: Blocked, halves: Halves): Tensor {
  const whole = wholeWidth(weight)
  const columns = Reshape(Gemm(y, dequantized(y, weight, halves)), [-1, 2, whole / 2])
  const pairs = Mul(Transpose(columns, { perm: [0, 2, 1] }), halfScale(y))
  const result = Reshape(pairs, [-1, whole])
  return whole === width ? result : Slice(result, [0], [width], [1])
}

/** What the even and the odd columns of `dequantized` count, exactly. */
function halfScale({ scope: { graph } }: Tensor): Tensor {
  return graph.constant('float32', [2], [1, 1 / 16])
}

/** Columns with those that fill up the last block. */
function wholeWidth({ codes }: Pick<Blocked, 'codes'>): number {
  const [, , blocks, bytes] = codes.shape as readonly number[]
  return 2 * blocks * bytes
}

/**
 * W as soon as `rows` are there, [out, columns]: the even columns, then the odd ones, 16 times too large as their codes
 * are in the high halves of the bytes.
 */
function dequantized(rows: Tensor, { codes, scales, zeros }: Blocked, halves: Halves): Tensor {
  const [out] = codes.shape as readonly number[]
  const nothing = Cast(Slice(Reshape(rows, [1, -1, 1, 1]), [0], [0], [1]), { to: 'uint8' })
  const [values, zero] = [codes, zeros].map((bytes) => Cast(halves(bytes, nothing), { to: 'float32' }))
  return Reshape(Mul(Sub(values, zero), scales), [out, wholeWidth({ codes })])
}

/**
 * The low halves of bytes [out, 1, …], then the high ones, 16 times too large, [out, 2, …]; known only once `nothing` is
 * there, uint8 [1, 0, 1, 1].
 */
type Halves = (bytes: Tensor, nothing: Tensor) => Tensor

const maskedHalves: Halves = (bytes, nothing) => {
  const masks = bytes.scope.graph.constant('uint8', [1, 2, 1, 1], [0x0f, 0xf0])
  return BitwiseAnd(bytes, Concat([masks, nothing], { axis: 1 }))
}

const dividedHalves: Halves = (bytes, nothing) => {
  const divisor = bytes.scope.graph.constant('uint8', [1, 1, 1, 1], [16])
  const sixteen = Concat([divisor, nothing], { axis: 1 })
  const high = Mul(Div(bytes, sixteen), sixteen)
  return Concat([Sub(bytes, high), high], { axis: 1 })
}

/** The same contents in another shape: of a weight another name, since a `Reshape` of one would be folded into a copy. */
function viewed(tensor: Tensor, shape: readonly number[]): Tensor {
  const { graph } = tensor.scope
  if (tensor.data === undefined) return Reshape(tensor, shape)
  const known = views.get(tensor)
  if (known !== undefined) return known
  const view = graph.initializer(`${tensor.name}.columns`, { ...tensor.data, dims: shape })
  views.set(tensor, view)
  return view
}

const views = new WeakMap<Tensor, Tensor>()
