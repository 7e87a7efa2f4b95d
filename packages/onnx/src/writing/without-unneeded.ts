/** What no output of a graph depends on, taken away: the runtime does not do it, and keeps alive what such nodes read. */
import type { GraphProto, NodeProto } from '../proto/gen/onnx_pb'

/** `graph` itself, with nothing in it that its outputs do not need. */
export function withoutUnneeded(graph: GraphProto): GraphProto {
  // Names are unique, those in bodies too.
  const needed = new Set<string>()
  reduce(graph, needed)
  return graph
}

function reduce(graph: GraphProto, needed: Set<string>): void {
  for (const { name } of graph.output) needed.add(name)
  const kept: NodeProto[] = []
  for (const node of graph.node.toReversed()) {
    if (!node.output.some((name) => needed.has(name))) continue
    kept.push(node)
    if (node.opType === 'Loop' && node.domain === '') reduceStacked(node, needed)
    for (const { g } of node.attribute) if (g !== undefined) reduce(g, needed)
    for (const name of node.input) needed.add(name)
  }
  graph.node = kept.reverse()
  graph.initializer = graph.initializer.filter(({ name }) => needed.has(name))
  const made = new Set(kept.flatMap(({ output }) => output))
  graph.valueInfo = graph.valueInfo.filter(({ name }) => made.has(name))
}

/** A loop stacks only what is needed of it. */
function reduceStacked(loop: NodeProto, needed: ReadonlySet<string>): void {
  const body = loop.attribute.find(({ name }) => name === 'body')?.g
  if (body === undefined) return
  const carried = Math.max(0, loop.input.length - 2)
  const keeps = (index: number) => index < carried || needed.has(loop.output.at(index) ?? '')
  // The first output of the body is its condition.
  body.output = body.output.filter((_, index) => index === 0 || keeps(index - 1))
  loop.output = loop.output.filter((_, index) => keeps(index))
}
