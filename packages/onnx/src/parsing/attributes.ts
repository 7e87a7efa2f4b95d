/** Attributes of a file, except bodies, which need to know where they stand. */
import type { Attribute } from '../graph/attribute'
import { AttributeProto_AttributeType as Kind, type AttributeProto } from '../proto/gen/onnx_pb'
import { invalid, quote, unsupported } from './invalid'
import { readTensor } from './tensors'

/** An attribute; `undefined` for a body. */
export function readAttribute(proto: AttributeProto, where: string): Attribute | undefined {
  switch (proto.type) {
    case Kind.INT:
      return { type: 'int', value: small(proto.i) }
    case Kind.FLOAT:
      return { type: 'float', value: proto.f }
    case Kind.STRING:
      return { type: 'string', value: decode(proto.s, proto, where) }
    case Kind.INTS:
      return { type: 'ints', value: proto.ints.map(small) }
    case Kind.FLOATS:
      return { type: 'floats', value: proto.floats }
    case Kind.STRINGS:
      return { type: 'strings', value: proto.strings.map((text) => decode(text, proto, where)) }
    case Kind.TENSOR:
      if (proto.t === undefined)
        throw invalid(`${where}: attribute ${quote(proto.name)} must hold a tensor, got none`)
      return { type: 'tensor', value: readTensor(proto.t, proto.name) }
    case Kind.GRAPH:
      if (proto.g === undefined)
        throw invalid(`${where}: attribute ${quote(proto.name)} must hold a graph, got none`)
      return undefined
    case Kind.UNDEFINED:
      throw invalid(`${where}: attribute ${quote(proto.name)} must have a type, got none`)
    default:
      throw unsupported(
        `${where}: attribute ${quote(proto.name)} must be a number, text, tensor, graph or a list of numbers or texts, ` +
          `got type ${proto.type}`,
      )
  }
}

/** An integer becomes a number where that is exact. */
function small(value: bigint): number | bigint {
  return BigInt.asIntN(53, value) === value ? Number(value) : value
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array, { name }: AttributeProto, where: string): string {
  try {
    return strict.decode(bytes)
  } catch (cause) {
    throw invalid(`${where}: attribute ${quote(name)} must be UTF-8 text, got other bytes`, {}, cause)
  }
}
