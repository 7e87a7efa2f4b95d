/** Names of a file: what each stands for, scope by scope, and which of them nothing else may take. */
import type { Graph, Tensor } from '../graph/graph'
import type { GraphProto, ModelProto, NodeProto } from '../proto/gen/onnx_pb'
import { invalid, quote } from './invalid'

/** What names stand for in one scope; those of the scopes around it are seen through it. */
export class Names {
  private readonly known = new Map<string, Tensor | undefined>()

  constructor(private readonly outer?: Names) {}

  /** `undefined`: an input of a function that a call leaves out. */
  define(name: string, tensor: Tensor | undefined): void {
    if (name === '') throw invalid('value: must have a name, got an empty one')
    if (this.known.has(name))
      throw invalid(`value ${quote(name)}: must be defined once, got a second definition`, { name })
    this.known.set(name, tensor)
  }

  has(name: string): boolean {
    return this.known.has(name) || (this.outer?.has(name) ?? false)
  }

  get(name: string): Tensor | undefined {
    return this.known.has(name) ? this.known.get(name) : this.outer?.get(name)
  }

  /** True if `name` is defined in this very scope. */
  owns(name: string): boolean {
    return this.known.has(name)
  }
}

/** Keep made-up names away from all names of the file. Names of the main graph are returned: they stay as they are. */
export function reserveNames(model: ModelProto, graph: Graph): ReadonlySet<string> {
  const main = new Set<string>()
  const visitNodes = (nodes: readonly NodeProto[], found: (name: string) => void): void => {
    for (const node of nodes) {
      node.output.forEach(found)
      graph.reserve(node.name)
      for (const { g } of node.attribute) if (g !== undefined) visitGraph(g, false)
    }
  }
  const visitGraph = (proto: GraphProto, isMain: boolean): void => {
    const found = (name: string): void => {
      graph.reserve(name)
      if (isMain) main.add(name)
    }
    graph.reserve(proto.name)
    for (const { name } of proto.initializer) found(name)
    for (const { name, type } of proto.input) {
      found(name)
      for (const { value } of type?.tensorType?.shape?.dim ?? [])
        if (value.case === 'dimParam') graph.reserve(value.value)
    }
    visitNodes(proto.node, found)
  }
  const reserve = (name: string): void => {
    graph.reserve(name)
  }
  if (model.graph !== undefined) visitGraph(model.graph, true)
  for (const fn of model.functions) {
    reserve(fn.name)
    fn.input.forEach(reserve)
    visitNodes(fn.node, reserve)
  }
  return main
}
