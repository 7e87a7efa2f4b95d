/** Weights as a program refers to them: by place in files below one folder, which the runtime is told. */
import { op, type ExternalFiles, type Graph, type QuantizedMatrix, type Tensor } from '@evolmm/onnx'
import { quantizedNames } from '../checkpoint/quantized-checkpoint'

/** Files with their tensors by canonical name. */
export interface WeightFiles extends ExternalFiles {
  /** The way to multiply with quantized matrices, which have several tensors each, where there are many rows. */
  quantized?: 'packed' | 'dequantized' | undefined
  /** @default 'all' */
  loops?: Loops | undefined
}

/**
 * What works on some of many rows at a time. A provider without `Loop` runs what is in one, but its results cross to the
 * host and back: there it is 'attention' alone, whose scores are far larger than what it gives.
 */
export type Loops = 'all' | 'attention' | 'none'

export interface FrozenWeights {
  has: (name: string) => boolean
  /** The tensor of that name in float32. The runtime widens it once, when the program is opened: for small ones. */
  get: (name: string) => Tensor
  /** The tensor as it is stored. */
  stored: (name: string) => Tensor
  /** The matrix of that name if it is quantized; then it has no other form. */
  quantized: (name: string) => QuantizedMatrix | undefined
}

/** Makes the frozen tensors of a program when they are first asked for. */
export function frozenWeights(graph: Graph, files: WeightFiles): FrozenWeights {
  const made = new Map<string, Tensor>()
  const stored = (name: string): Tensor => {
    const known = made.get(name)
    if (known !== undefined) return known
    const data = files.tensors.get(name)
    if (data === undefined) throw new Error(`internal: the checkpoint has no tensor "${name}"`)
    const tensor = graph.initializer(name, data)
    made.set(name, tensor)
    return tensor
  }
  return {
    has: (name) => files.tensors.has(name),
    stored,
    get: (name) => widened(stored(name)),
    quantized: (name) => {
      const { codes, scales, zeroPoints, zeros } = quantizedNames(name)
      if (!files.tensors.has(codes)) return undefined
      return {
        codes: stored(codes),
        scales: stored(scales),
        zeroPoints: stored(zeroPoints),
        zeros: stored(zeros),
      }
    },
  }
}

/** The tensor in float32. */
export function widened(x: Tensor): Tensor {
  return x.dtype === 'float32' ? x : op.Cast(x, { to: 'float32' })
}
