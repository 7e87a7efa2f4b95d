/** Types and shapes that convolutions give. */
import { addDims, multiplyDims, quotientDims, type Dim, type Shape } from '../graph/shape'
import type { InferenceContext, InferenceRule } from './context'
import { expectEqual } from './matrix'

/** What the attributes say about one spatial axis. */
interface Axis {
  length: Dim
  kernel: Dim
  stride: number
  dilation: number
  pads: number
}

/** Spatial axes; `undefined` when a rank is not known. */
function axesOf(context: InferenceContext): Axis[] | undefined {
  const [x, weight] = [context.input(0), context.input(1)]
  if (x.dtype !== weight.dtype) context.fail('types must be equal')
  if (x.shape === undefined || weight.shape === undefined) return undefined
  if (x.shape.length < 3 || x.shape.length !== weight.shape.length)
    context.fail('input and weight must have one rank, 3 or more')
  const count = x.shape.length - 2
  const list = (name: string, length: number) => {
    const given = context.ints(name)
    if (given !== undefined && given.length !== length) context.fail(`${name} must have ${length} numbers`)
    return given
  }
  const [strides, dilations] = [list('strides', count), list('dilations', count)]
  const [pads, kernel] = [list('pads', 2 * count), weight.shape.slice(2)]
  return x.shape.slice(2).map((length, i) => ({
    length,
    kernel: kernel[i],
    stride: strides?.[i] ?? 1,
    dilation: dilations?.[i] ?? 1,
    pads: (pads?.[i] ?? 0) + (pads?.[count + i] ?? 0),
  }))
}

/** Elements of the input that the kernel spans. */
const span = ({ kernel, dilation }: Axis): Dim => addDims(multiplyDims(addDims(kernel, -1), dilation), 1)

const conv: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  const weight = context.input(1).shape
  const axes = axesOf(context)
  if (axes === undefined || shape === undefined || weight === undefined) return [{ dtype, shape: undefined }]
  const group = context.int('group', 1)
  expectEqual(context, shape[1], multiplyDims(weight[1], group), 'channels must be those of the weight')
  const auto = context.string('auto_pad', 'NOTSET')
  const sides = axes.map((axis): Dim => {
    const { length, stride, pads, kernel } = axis
    if (typeof kernel === 'string') return context.unknown()
    if (auto.startsWith('SAME')) return quotientDims(addDims(length, stride - 1), stride) ?? context.unknown()
    const places = addDims(length, pads - Number(span(axis)))
    if (typeof places === 'number' && places < 0) context.fail('the kernel must fit into the padded input')
    return addDims(quotientDims(places, stride) ?? context.unknown(), 1)
  })
  return [{ dtype, shape: [shape[0], weight[0], ...sides] }]
}

const convTranspose: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  const weight = context.input(1).shape
  const axes = axesOf(context)
  if (axes === undefined || shape === undefined || weight === undefined) return [{ dtype, shape: undefined }]
  expectEqual(context, shape[1], weight[0], 'channels must be those of the weight')
  const channels = multiplyDims(weight[1], context.int('group', 1))
  const [padding, given] = [context.ints('output_padding'), context.ints('output_shape')]
  const auto = context.string('auto_pad', 'NOTSET')
  const sides: Shape =
    given?.slice(-axes.length) ??
    axes.map((axis, i): Dim => {
      const { length, stride, pads, kernel } = axis
      if (typeof kernel === 'string') return context.unknown()
      if (auto.startsWith('SAME')) return multiplyDims(length, stride)
      const whole = multiplyDims(addDims(length, -1), stride)
      return addDims(whole, (padding?.[i] ?? 0) + Number(span(axis)) - pads)
    })
  return [{ dtype, shape: [shape[0], channels, ...sides] }]
}

const globalPool: InferenceRule = (context) => {
  const { dtype, shape } = context.input(0)
  if (shape !== undefined && shape.length < 3) context.fail('its input must be [N, C, ...]')
  return [{ dtype, shape: shape?.map((dim, axis) => (axis < 2 ? dim : 1)) }]
}

export const convolution: Record<string, InferenceRule> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  GlobalAveragePool: globalPool,
}
