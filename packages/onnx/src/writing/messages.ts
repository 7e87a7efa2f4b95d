/** The messages that nodes, attributes, constants and types are written as. */
import { create } from '@bufbuild/protobuf'
import { EvolmmError } from '../errors'
import type { Attribute } from '../graph/attribute'
import { dtypeCode } from '../graph/dtype'
import type { Node, Scope, Tensor } from '../graph/graph'
import { isGuessed, restore } from '../graph/kept'
import type { Shape } from '../graph/shape'
import type { TensorData } from '../graph/tensor-data'
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type StringStringEntryProto,
  type TensorProto,
  type ValueInfoProto,
} from '../proto/gen/onnx_pb'

/** A way to write nodes: what their tensors are called, and what becomes of their bodies. */
export interface Writing {
  name: (tensor: Tensor) => string
  body: (scope: Scope) => GraphProto
}

/** Operators whose standard counts inputs that are left out: the trips and the condition of a `Loop`. */
const leastInputs: ReadonlyMap<string, number> = new Map([['Loop', 2]])

export function nodeProto(node: Node, { name, body }: Writing): NodeProto {
  /** Names by position; those at the end that are left out are not written, but for the first `least`. */
  const names = (tensors: readonly (Tensor | undefined)[], least = 0): string[] => {
    const last = tensors.findLastIndex((tensor) => tensor !== undefined)
    const length = Math.max(last + 1, least)
    return tensors.slice(0, length).map((tensor) => (tensor === undefined ? '' : name(tensor)))
  }
  const message = create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: names(node.inputs, node.domain === '' ? leastInputs.get(node.opType) : undefined),
    output: names(node.outputs),
    attribute: Object.entries(node.attributes).map(([key, attribute]) =>
      attributeProto(key, attribute, body),
    ),
  })
  return restore(node, message)
}

const text = new TextEncoder()

export function attributeProto(name: string, attribute: Attribute, body: Writing['body']): AttributeProto {
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
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: body(attribute.value) })
  }
}

export function dataOf(tensor: Tensor): TensorData {
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

/** The type of a tensor, under the name and with the shape that it has in the file. */
export function valueInfo(
  tensor: Tensor,
  { name = tensor.name, shape = tensor.shape }: { name?: string; shape?: Shape | undefined } = {},
): ValueInfoProto {
  if (isGuessed(tensor)) return create(ValueInfoProtoSchema, { name })
  const dims = shape?.map((dim) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
    }),
  )
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      tensorType: create(TypeProto_TensorSchema, {
        elemType: dtypeCode(tensor.dtype),
        ...(dims && { shape: create(TensorShapeProtoSchema, { dim: dims }) }),
      }),
    }),
  })
}

export function entry(key: string, value: string): StringStringEntryProto {
  return create(StringStringEntryProtoSchema, { key, value })
}
