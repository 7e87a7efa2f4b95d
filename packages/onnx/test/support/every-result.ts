/** A model whose outputs are all of its results, to compare what its file says of their shapes with what they have. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ValueInfoProto,
} from '../../src/proto/gen/onnx_pb'

export interface EveryResult {
  bytes: Uint8Array
  /** The outputs that the model had. */
  outputs: readonly string[]
  /** What the file says of the inputs. */
  inputs: ReadonlyMap<string, readonly (number | string)[]>
  /** What the file says, by output; results in loops have an axis for the iterations before it. */
  declared: ReadonlyMap<string, readonly (number | string)[]>
}

/** Results of the graph, and those of its loops that are as long in every iteration, which are stacked. */
export function everyResult(file: Uint8Array): EveryResult {
  const model = fromBinary(ModelProtoSchema, file)
  const graph = model.graph ?? create(GraphProtoSchema)
  const outputs = graph.output.map(({ name }) => name)
  const stacked = graph.node.flatMap((node) => {
    const body = node.opType === 'Loop' ? node.attribute.find(({ name }) => name === 'body')?.g : undefined
    if (body === undefined) return []
    const carried = new Set(body.output.map(({ name }) => name))
    const results = body.valueInfo.filter(
      (info) => !carried.has(info.name) && !dimsOf(info).some(isGenerated),
    )
    body.output.push(...results)
    // An output of a loop needs a name of its own.
    const outside = results.map((result) => repeated(result))
    node.output.push(...outside.map(({ name }) => name))
    return outside
  })
  graph.output.push(...graph.valueInfo, ...stacked)
  const declared = new Map(graph.output.map((info) => [info.name, dimsOf(info)]))
  const inputs = new Map(graph.input.map((info) => [info.name, dimsOf(info)]))
  return { bytes: toBinary(ModelProtoSchema, model), outputs, inputs, declared }
}

const isGenerated = (dim: number | string) => /unknown_\d/.test(String(dim))

/** The type of a result in all iterations. */
function repeated({ name, type }: ValueInfoProto): ValueInfoProto {
  const inner = type?.tensorType
  const dim = [create(TensorShapeProto_DimensionSchema), ...(inner?.shape?.dim ?? [])]
  return create(ValueInfoProtoSchema, {
    name: `${name}, stacked`,
    type: { tensorType: { elemType: inner?.elemType ?? 0, shape: { dim } } },
  })
}

/** Lengths without the windows of `serialize`; what has no name is a question mark. */
function dimsOf({ type }: ValueInfoProto): (number | string)[] {
  return (type?.tensorType?.shape?.dim ?? []).map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : (value.value ?? '?').replace(/@\d+$/, ''),
  )
}

/** Results of a file, those in bodies included, of which it does not say the shape. */
export function undeclared(file: Uint8Array): string[] {
  const visit = (graph: GraphProto): string[] => {
    const declared = new Set([...graph.valueInfo, ...graph.output].map(({ name }) => name))
    return graph.node.flatMap(({ opType, output, attribute }) => [
      ...output.filter((name) => name !== '' && !declared.has(name)).map((name) => `${opType} ${name}`),
      ...attribute.flatMap(({ g }) => (g === undefined ? [] : visit(g))),
    ])
  }
  const { graph } = fromBinary(ModelProtoSchema, file)
  return graph === undefined ? [] : visit(graph)
}

export interface Result {
  /** Operators around the one that makes it, and that one: `Loop If Concat`. */
  path: string
  name: string
  lengths: readonly string[]
}

/** All results of a file with what it says of their shapes, bodies included. */
export function allResults(file: Uint8Array): Result[] {
  const visit = (graph: GraphProto, around: readonly string[]): Result[] => {
    const types = new Map([...graph.valueInfo, ...graph.output].map((info) => [info.name, dimsOf(info)]))
    return graph.node.flatMap(({ opType, output, attribute }) => {
      const path = [...around, opType]
      const own = output.map((name) => ({
        path: path.join(' '),
        name,
        lengths: (types.get(name) ?? []).map(String),
      }))
      return [...own, ...attribute.flatMap(({ g }) => (g === undefined ? [] : visit(g, path)))]
    })
  }
  const { graph } = fromBinary(ModelProtoSchema, file)
  return graph === undefined ? [] : visit(graph, [])
}

/** Those with lengths that inference made up, and these lengths. */
export function generated(file: Uint8Array): Result[] {
  return allResults(file)
    .map((result) => ({ ...result, lengths: result.lengths.filter(isGenerated) }))
    .filter(({ lengths }) => lengths.length > 0)
}
