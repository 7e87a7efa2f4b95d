/** A place says where nodes of a file are read; the two readers, of nodes and of functions, see each other so. */
import type { Graph, Node, Tensor } from '../graph/graph'
import type { Inferred } from '../infer/context'
import type { AttributeProto, FunctionProto, NodeProto, ValueInfoProto } from '../proto/gen/onnx_pb'
import { invalid, quote } from './invalid'
import type { Names } from './names'

/** Bodies within bodies and functions within functions. */
const maxDepth = 64

/** What the names of nodes mean, and how much of the file is around them. */
export interface NodePlace {
  names: Names
  /** True for the nodes of the main graph, whose names stay as they are. */
  main: boolean
  /** Version of the standard operators that the nodes are written in. */
  opset: number
  /** Types that the file declares for results. */
  declared: ReadonlyMap<string, Inferred>
  /** Arguments of the function around the nodes, by parameter; `undefined` outside of functions. */
  parameters: ReadonlyMap<string, AttributeProto> | undefined
  depth: number
  /** The nodes of this scope: to tell a use before the definition from a value that is nowhere. */
  nodes: readonly NodeProto[]
}

export interface NodeReader {
  /** Types that are declared for results, by name. */
  declaredTypes(infos: readonly ValueInfoProto[]): Map<string, Inferred>
  /** Read one node into the current scope. */
  node(proto: NodeProto, place: NodePlace): void
  /** Append a node with the outputs that `proto` names, of these types. */
  emit(
    proto: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    place: NodePlace,
    options: { outputs: readonly Inferred[]; opType: string; guessed: readonly boolean[] },
  ): Node
  /** A name in the graph for one in the file: its own in the main graph, elsewhere its own if that is free. */
  claim(name: string, place: NodePlace): string
}

export interface FunctionCall {
  proto: NodeProto
  inputs: readonly (Tensor | undefined)[]
  /** Attributes of the call. */
  given: readonly AttributeProto[]
  place: NodePlace
}

export interface FunctionReader {
  find(domain: string, opType: string): FunctionProto | undefined
  /** Read a call into the current scope. */
  call(fn: FunctionProto, call: FunctionCall, reader: NodeReader): void
  /** Count nodes and constants that functions stand for, and throw when they are too many. */
  count(amount: number): void
}

/** The standard domain has two names. */
export function standard(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

/** One level further in. */
export function deeper(depth: number): number {
  if (depth >= maxDepth)
    throw invalid(`model: bodies and functions must be at most ${maxDepth} deep, got more`, { maxDepth })
  return depth + 1
}

/** A result that must be there. */
export function result(tensor: Tensor | undefined, name: string, graph: Graph): Tensor {
  if (tensor === undefined)
    throw invalid(
      `graph ${quote(graph.name)}: result ${quote(name)} must be a value, got nothing of that name`,
      { name },
    )
  return tensor
}
