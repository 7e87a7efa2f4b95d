/** `serialize` makes the bytes of an `.onnx` file of a graph. */
import { create, toBinary } from '@bufbuild/protobuf'
import { EvolmmError } from './errors'
import type { Attribute } from './graph/attribute'
import { dtypeCode } from './graph/dtype'
import type { Graph, GraphFunction, Node, Scope, Tensor } from './graph/graph'
import type { TensorData } from './graph/tensor-data'
import { isGuessed, isTypeKept, restore } from './graph/kept'
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  type OperatorSetIdProto,
  type StringStringEntryProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto/gen/onnx_pb'

/** IR version 10: functions, opset 21 and later, 4-bit types. */
const irVersion = 10n

/** The bytes of a model. Inline constants are part of them: keep large weights in files (`ExternalData`). */
export function serialize(graph: Graph): Uint8Array {
  if (graph.body.outputs.length === 0) {
    throw new EvolmmError(
      'NO_OUTPUT',
      `graph "${graph.name}": must have an output, got none; call graph.output`,
    )
  }
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'evolmm',
    graph: graphProto(graph.body),
    opsetImport: opsets(graph),
    functions: [...graph.functions.values()].map((fn) => functionProto(graph, fn)),
    metadataProps: [...graph.metadata].map(([key, value]) => entry(key, value)),
  })
  return toBinary(ModelProtoSchema, restore(graph, model))
}

function opsets(graph: Graph): OperatorSetIdProto[] {
  return [['', graph.opset] as const, ...graph.domains].map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  )
}

function graphProto(scope: Scope): GraphProto {
  const outputs = new Set(scope.outputs)
  const declared = declaredIn(scope).filter((tensor) => !outputs.has(tensor))
  const message = create(GraphProtoSchema, {
    name: scope.name,
    node: scope.nodes.map(nodeProto),
    initializer: scope.initializers.map((tensor) => tensorProto(tensor.name, dataOf(tensor))),
    input: scope.inputs.map(valueInfo),
    output: scope.outputs.map(valueInfo),
    valueInfo: declared.map(valueInfo),
  })
  return restore(scope, message)
}

/** Results of which a file said more than inference finds. */
function declaredIn({ nodes }: Scope): Tensor[] {
  const results = nodes.flatMap(({ outputs }) => outputs)
  return results.filter((tensor) => tensor !== undefined).filter(isTypeKept)
}

/** Functions have no initializers: constants become nodes. */
function functionProto(graph: Graph, { name, domain, body }: GraphFunction): FunctionProto {
  const constants = body.initializers.map((tensor) =>
    create(NodeProtoSchema, {
      opType: 'Constant',
      output: [tensor.name],
      attribute: [attributeProto('value', { type: 'tensor', value: dataOf(tensor) })],
    }),
  )
  return create(FunctionProtoSchema, {
    name,
    domain,
    input: body.inputs.map((tensor) => tensor.name),
    output: body.outputs.map((tensor) => tensor.name),
    node: [...constants, ...body.nodes.map(nodeProto)],
    opsetImport: opsets(graph),
    valueInfo: declaredIn(body).map(valueInfo),
  })
}

function nodeProto(node: Node): NodeProto {
  const message = create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: names(node.inputs, node.domain === '' ? leastInputs.get(node.opType) : undefined),
    output: names(node.outputs),
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
  })
  return restore(node, message)
}

/** Operators whose standard counts inputs that are left out: the trips and the condition of a `Loop`. */
const leastInputs: ReadonlyMap<string, number> = new Map([['Loop', 2]])

/** Names by position; those at the end that are left out are not written, but for the first `least`. */
function names(tensors: readonly (Tensor | undefined)[], least = 0): string[] {
  const last = tensors.findLastIndex((tensor) => tensor !== undefined)
  return tensors.slice(0, Math.max(last + 1, least)).map((tensor) => tensor?.name ?? '')
}

const text = new TextEncoder()

function attributeProto(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.type) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(attribute.value) })
    case 'float':
      return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: attribute.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: Kind.STRING, s: text.encode(attribute.value) })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: attribute.value.map(BigInt) })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...attribute.value] })
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: Kind.STRINGS,
        strings: attribute.value.map((s) => text.encode(s)),
      })
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: tensorProto('', attribute.value) })
    case 'graph':
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: graphProto(attribute.value) })
  }
}

function dataOf(tensor: Tensor): TensorData {
  if (tensor.data === undefined)
    throw new EvolmmError('INTERNAL', `internal: constant "${tensor.name}" has no data`)
  return tensor.data
}

/** The message of a constant. */
export function tensorProto(name: string, data: TensorData): TensorProto {
  const common = { name, dataType: dtypeCode(data.dtype), dims: data.dims.map(BigInt) }
  if ('bytes' in data) return create(TensorProtoSchema, { ...common, rawData: data.bytes })
  const { location, offset, length } = data
  return create(TensorProtoSchema, {
    ...common,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      entry('location', location),
      entry('offset', String(offset)),
      entry('length', String(length)),
    ],
  })
}

function valueInfo(tensor: Tensor): ValueInfoProto {
  if (isGuessed(tensor)) return create(ValueInfoProtoSchema, { name: tensor.name })
  const dims = tensor.shape?.map((dim) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
    }),
  )
  return create(ValueInfoProtoSchema, {
    name: tensor.name,
    type: create(TypeProtoSchema, {
      tensorType: create(TypeProto_TensorSchema, {
        elemType: dtypeCode(tensor.dtype),
        ...(dims && { shape: create(TensorShapeProtoSchema, { dim: dims }) }),
      }),
    }),
  })
}

function entry(key: string, value: string): StringStringEntryProto {
  return create(StringStringEntryProtoSchema, { key, value })
}
