/** Weights as a program refers to them: by place in files below one folder, which the runtime is told. */
import { dirname, relative, sep } from 'node:path'
import { op, type ExternalData, type Graph, type QuantizedMatrix, type Tensor } from '@evolmm/onnx'
import { quantizedNames, type LocatedTensor } from '../checkpoint/quantized-checkpoint'

export interface WeightFiles {
  /** The deepest folder that holds all files. */
  folder: string
  /** By canonical name. */
  tensors: ReadonlyMap<string, ExternalData>
  /** How to multiply with quantized matrices, which have several tensors each, where there are many rows. */
  quantized?: 'packed' | 'dequantized' | undefined
}

/** Weights of a checkpoint, whose shards may lie in several folders (a hub cache of links, resolved). */
export function weightFiles(tensors: Iterable<LocatedTensor>): WeightFiles {
  const all = [...tensors]
  const folder = commonFolder([...new Set(all.map(({ file }) => dirname(file)))])
  const located = all.map(({ name, file, dtype, shape, offset, bytes }): [string, ExternalData] => {
    const location = relative(folder, file).split(sep).join('/')
    return [name, { dtype, dims: shape, location, offset, length: bytes }]
  })
  return { folder, tensors: new Map(located) }
}

function commonFolder(folders: readonly string[]): string {
  let parts = folders[0].split(sep)
  for (const folder of folders) {
    const other = folder.split(sep)
    const same = parts.findIndex((part, i) => part !== other[i])
    if (same >= 0) parts = parts.slice(0, same)
  }
  return parts.join(sep) || sep
}

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

/** In float32. */
export function widened(x: Tensor): Tensor {
  return x.dtype === 'float32' ? x : op.Cast(x, { to: 'float32' })
}
