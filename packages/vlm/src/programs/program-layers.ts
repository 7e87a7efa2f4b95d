/** The modules of a backbone are frozen in a program, have LoRA, or are trained. */
import {
  attention,
  checkpoint,
  dropout as dropOut,
  loraLinear,
  op,
  quantizedLinear,
  rowChunks,
  sliceParameters,
  type Graph,
  type Tensor,
} from '@evolmm/onnx'
import type { Layers } from '../backbones/layers'
import { loraA, loraB, type Trainable } from './trainable'
import { widened, type FrozenWeights, type Loops } from './weight-files'

export interface Trained {
  trainable: Trainable
  /** Tensors by their name in the layout. */
  tensors: ReadonlyMap<string, Tensor>
}

/** Declares the input `parameters` [P] and cuts it into its tensors. */
export function trainedInput(graph: Graph, trainable: Trainable): Trained {
  const flat = graph.input('parameters', 'float32', [trainable.layout.size])
  return { trainable, tensors: sliceParameters(flat, trainable.layout) }
}

export interface ProgramLayersOptions {
  graph: Graph
  frozen: FrozenWeights
  /** @default everything is frozen */
  trained?: Trained | undefined
  /** Dropout of the inputs of adapters, drawn from an int64 scalar; iterations need different ones. @default none */
  dropout?: { rate: number; seed: Tensor } | undefined
  /** Compute each block anew in the backward pass. @default false */
  checkpointed?: boolean
  /** The way to multiply with quantized matrices. @default 'packed' */
  quantized?: 'packed' | 'dequantized' | undefined
  /** @default 'all' */
  loops?: Loops | undefined
  /** True if a gradient is taken of what these layers make. @default false */
  gradient?: boolean
}

/** Queries whose scores exist at the same time where rows may be many; more where each time costs a way to the host. */
export const towerChunk = { all: 128, attention: 512 } as const
/** Rows of the tower that what is wider than they are works on at a time. */
export const towerRows = 1024

export function programLayers(options: ProgramLayersOptions): Layers {
  const {
    graph,
    frozen,
    trained,
    dropout,
    checkpointed = false,
    quantized: kernel,
    loops = 'all',
    gradient = false,
  } = options
  const tensorOf = (name: string): Tensor | undefined => trained?.tensors.get(name)
  const weight = (name: string): Tensor => tensorOf(name) ?? frozen.get(name)
  const asStored = (name: string): Tensor => tensorOf(name) ?? frozen.stored(name)
  const places = new Map([...(trained?.trainable.lora.keys() ?? [])].map((module, i) => [module, i]))
  const atATime = loops === 'all' && !gradient ? { rows: towerRows, queries: towerChunk.all } : undefined
  return {
    graph,
    weight,
    rows: (ids, name) => widened(op.Gather(asStored(name), ids)),
    linear: (x, module, name = `${module}.weight`) => {
      const quantized = tensorOf(name) === undefined ? frozen.quantized(name) : undefined
      const matrix = quantized ?? asStored(name)
      const bias = frozen.has(`${module}.bias`) ? weight(`${module}.bias`) : undefined
      const lora = trained?.trainable.lora.get(module)
      const [a, b] = [tensorOf(loraA(module)), tensorOf(loraB(module))]
      const product = (): Tensor => {
        if ('codes' in matrix) return quantizedLinear({ x, weight: matrix, bias, kernel })
        return matrix.dtype === 'float32'
          ? op.Gemm(x, matrix, bias, { transB: 1 })
          : halfProduct(x, matrix, bias)
      }
      if (lora === undefined || a === undefined || b === undefined) return product()
      // Modules must not share a mask: steps lie 2^20 modules apart.
      const seed = dropout && op.Add(op.Mul(dropout.seed, 2 ** 20), places.get(module) ?? 0)
      const dropped = dropout && seed && { rate: dropout.rate, seed }
      if (!('codes' in matrix) && matrix.dtype === 'float32')
        return loraLinear({ x, weight: matrix, bias, a, b, alpha: lora.alpha, dropout: dropped })
      const kept = dropped === undefined ? x : dropOut(x, dropped)
      const low = op.Gemm(kept, a, undefined, { transB: 1, alpha: lora.alpha / lora.rank })
      return op.Gemm(low, b, product(), { transB: 1 })
    },
    attendMany: (given) => attention({ ...given, ...(loops !== 'none' && { chunk: towerChunk[loops] }) }),
    atATime,
    rowwise: (run, given) =>
      atATime === undefined
        ? run(...given)
        : rowChunks({ like: given[0], chunk: atATime.rows }, ({ of }) => ({
            rows: run(...given.map((x) => of(x))),
          })).rows,
    block: (run, x) => (checkpointed ? checkpoint((input) => [run(input)], [x])[0] : run(x)),
  }
}

/**
 * The product is made in the precision of the weight. To widen the weight instead would cost its memory twice over,
 * in every program.
 */
function halfProduct(x: Tensor, matrix: Tensor, bias: Tensor | undefined): Tensor {
  const product = widened(op.Gemm(op.Cast(x, { to: matrix.dtype }), matrix, undefined, { transB: 1 }))
  return bias === undefined ? product : op.Add(product, bias)
}
