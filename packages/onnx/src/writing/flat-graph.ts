/**
 * A graph without functions: their nodes stand in the places of their calls, in bodies too, and every result whose shape is
 * known is declared with it. The runtime plans which results share a buffer by their shapes, finds none of those inside
 * functions, and searches long among results that are like no other.
 */
import { create } from '@bufbuild/protobuf'
import type { Graph, GraphFunction, Node, Scope, Tensor } from '../graph/graph'
import { isGuessed } from '../graph/kept'
import { generatedIn, sameShape, type Dim } from '../graph/shape'
import {
  GraphProtoSchema,
  NodeProtoSchema,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../proto/gen/onnx_pb'
import { dataOf, nodeProto, tensorProto, valueInfo } from './messages'
import { inWindows, type Placed } from './windows'
import { withoutUnneeded } from './without-unneeded'

export function flatGraph(graph: Graph): GraphProto {
  const flat = new FlatGraph(graph)
  const message = flat.scope(graph.body, { prefix: '', names: new Map(), dim: (dim) => dim })
  message.initializer.push(...flat.constants.values())
  return withoutUnneeded(message)
}

/** A place is the graph itself, or one call of a function. */
interface Place {
  /** What stands before the names of tensors that are made there. */
  prefix: string
  /** Tensors that have names already. */
  names: Map<Tensor, string>
  /** The name of a length. */
  dim: (dim: Dim) => Dim
}

/** What a scope is written as, so far. */
interface Written {
  nodes: NodeProto[]
  types: Placed[]
}

class FlatGraph {
  /** Those of functions, which all calls share. */
  readonly constants = new Map<string, TensorProto>()

  constructor(private readonly graph: Graph) {}

  scope({ name, inputs, outputs, initializers, nodes }: Scope, place: Place): GraphProto {
    const written: Written = { nodes: [], types: [] }
    for (const node of nodes) this.node(node, place, written)
    const declared = new Set(outputs.map((tensor) => nameIn(place, tensor)))
    return create(GraphProtoSchema, {
      name,
      node: written.nodes,
      initializer: initializers.map((tensor) => tensorProto(nameIn(place, tensor), dataOf(tensor))),
      input: inputs.map((tensor) => typeIn(place, tensor)),
      output: outputs.map((tensor) => typeIn(place, tensor)),
      valueInfo: inWindows(written.types.filter(({ type }) => !declared.has(type.name))),
    })
  }

  private node(node: Node, place: Place, written: Written): void {
    const fn = this.graph.functions.get(`${node.domain}.${node.opType}`)
    if (fn !== undefined) {
      this.call(node, fn, { place, written })
      return
    }
    const message = nodeProto(node, {
      name: (tensor) => nameIn(place, tensor),
      body: (scope) => this.scope(scope, place),
    })
    if (message.name !== '') message.name = place.prefix + message.name
    written.nodes.push(message)
    for (const output of node.outputs)
      if (output?.shape !== undefined && !isGuessed(output))
        written.types.push({ type: typeIn(place, output), at: written.nodes.length })
  }

  private call(
    node: Node,
    { body }: GraphFunction,
    { place, written }: { place: Place; written: Written },
  ): void {
    const results = node.outputs.flatMap((actual, index) =>
      actual === undefined ? [] : [{ result: body.outputs[index], name: nameIn(place, actual) }],
    )
    const prefix = `${results[0]?.name ?? node.name}/`
    const names = new Map<Tensor, string>()
    for (const [index, formal] of body.inputs.entries()) {
      const actual = node.inputs.at(index)
      names.set(formal, actual === undefined ? '' : nameIn(place, actual))
    }
    for (const constant of body.initializers) {
      names.set(constant, constant.name)
      this.constants.set(constant.name, tensorProto(constant.name, dataOf(constant)))
    }
    const copies = results.filter(({ result, name }) => {
      if (names.has(result)) return true
      names.set(result, name)
      return false
    })
    const inner: Place = { prefix, names, dim: dimsOf(node, body, { place, prefix }) }
    for (const each of body.nodes) this.node(each, inner, written)
    for (const { result, name } of copies)
      written.nodes.push(
        create(NodeProtoSchema, { opType: 'Identity', input: [nameIn(inner, result)], output: [name] }),
      )
  }
}

function nameIn({ prefix, names }: Place, tensor: Tensor): string {
  return names.get(tensor) ?? prefix + tensor.name
}

function typeIn(place: Place, tensor: Tensor): ValueInfoProto {
  return valueInfo(tensor, { name: nameIn(place, tensor), shape: tensor.shape?.map(place.dim) })
}

/**
 * Names of lengths in a call. Those that inference made up in the function stand for another length in each call; those that
 * came with the inputs keep their meaning if the inputs have them in the call too.
 */
function dimsOf(
  node: Node,
  { inputs }: Scope,
  { place, prefix }: { place: Place; prefix: string },
): (dim: Dim) => Dim {
  const same = inputs.every((formal, index) => sameShape(formal.shape, node.inputs.at(index)?.shape))
  const given = new Set(same ? inputs.flatMap(({ shape = [] }) => shape.flatMap(generatedIn)) : [])
  return (dim) => {
    if (generatedIn(dim).length === 0) return dim
    if (generatedIn(dim).every((name) => given.has(name))) return place.dim(dim)
    return `${prefix}${dim}`
  }
}
