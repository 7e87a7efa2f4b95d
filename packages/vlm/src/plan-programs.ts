/**
 * The programs of a model that is not there: built from the shapes of a configuration alone, to see what they take,
 * what they give and how large they are. No weight and no parameter is allocated.
 */
import { checkNames, checkObject, checkOneOf, floatTypes } from '@evolmm/internal'
import { serialize, type Dim, type DType, type Graph, type Shape } from '@evolmm/onnx'
import type { FloatType } from '@evolmm/safetensors'
import { plannedAdapter, type PlannedAdapterOptions } from './planned-adapter'
import { allPrograms, type ProgramName } from './programs/all-programs'
import { placeholderWeights } from './programs/placeholder-weights'

export interface PlanProgramsOptions extends PlannedAdapterOptions {
  /** True makes `score` and `gradient` compute the divergence from the base policy. @default true */
  kl?: boolean | undefined
  /** True makes `gradient` compute each block anew in the backward pass. @default false */
  checkpointed?: boolean | undefined
  /** Type of the weights in the files. @default 'bfloat16', as published */
  dtype?: FloatType | undefined
  /** `int4` holds the matrices of linear modules in four bits. @default none */
  quantize?: 'int4' | undefined
}

export interface ProgramPlan {
  name: ProgramName
  inputs: PlannedTensor[]
  outputs: PlannedTensor[]
  /** Nodes, those of loop bodies included; a function counts as one wherever it is called. */
  nodes: number
  /** Bytes of the `.onnx` file, without weights. */
  graphBytes: number
  /** Bytes of the weights that it refers to. */
  weightBytes: number
}

export interface PlannedTensor {
  name: string
  dtype: DType
  /** Sizes that differ from call to call are names, or made of names; `?` where that says nothing about the inputs. */
  shape: Shape
}

export interface ProgramsPlan {
  programs: ProgramPlan[]
  /** Trained parameters: the length of an adapter's vector. */
  parameters: number
}

/** Throws `INVALID_OPTION`, or `NO_MATCH` if no target names a module. */
export function planPrograms(options: PlanProgramsOptions): ProgramsPlan {
  checkNames('planPrograms', options, {
    backbone: true,
    adapter: true,
    full: true,
    kl: true,
    checkpointed: true,
    dtype: true,
    quantize: true,
  })
  checkObject('backbone', options.backbone)
  const { kl, checkpointed, dtype = 'bfloat16' } = options
  checkOneOf('dtype', dtype, floatTypes)
  const { backbone } = options
  const { trainable } = plannedAdapter({ backbone, adapter: options.adapter, full: options.full })
  const files = placeholderWeights(backbone, { dtype, quantize: options.quantize })
  const graphs = allPrograms({ backbone, files, trainable, kl, checkpointed })
  const programs = Array.from(graphs, ([name, graph]) => planOf(name, graph))
  return { programs, parameters: trainable.layout.size }
}

type Scope = Graph['body']

function planOf(name: ProgramName, graph: Graph): ProgramPlan {
  const { inputs, outputs, initializers } = graph.body
  const sizes = new Set(inputs.flatMap(({ shape = [] }) => shape.flatMap(sizesIn)))
  return {
    name,
    inputs: inputs.map((input) => planned(input, sizes)),
    outputs: outputs.map((output) => planned(output, sizes)),
    nodes: countNodes(graph.body),
    graphBytes: serialize(graph).length,
    weightBytes: storedBytes(initializers),
  }
}

/** Bytes in files, those that two tensors lie in counted once. */
function storedBytes(initializers: Scope['initializers']): number {
  const places = new Map<number, number>()
  for (const { data } of initializers)
    if (data !== undefined && 'location' in data) places.set(data.offset, data.length)
  return [...places.values()].reduce((sum, length) => sum + length, 0)
}

/** The names that a length is made of. */
function sizesIn(dim: Dim): readonly string[] {
  return typeof dim === 'number' ? [] : (dim.match(/[a-z_]\w*/gi) ?? [])
}

/** What is made of the inputs' sizes is kept; names that the graph made up are not. */
function planned(
  { name, dtype, shape = [] }: Scope['inputs'][number],
  sizes: ReadonlySet<string>,
): PlannedTensor {
  const known = (dim: Dim) => sizesIn(dim).every((size) => sizes.has(size))
  return { name, dtype, shape: shape.map((dim) => (known(dim) ? dim : '?')) }
}

function countNodes({ nodes }: Scope): number {
  const inner = nodes.flatMap(({ attributes }) =>
    Object.values(attributes).map((attribute) =>
      attribute.type === 'graph' ? countNodes(attribute.value) : 0,
    ),
  )
  return inner.reduce((sum, count) => sum + count, nodes.length)
}
