/** Every tensor of a graph under another name, in bodies too. */
import type { GraphProto } from '../proto/gen/onnx_pb'

/** Changes `graph` itself. A name that is empty says that something is left out, and stays. */
export function renameTensors(graph: GraphProto, rename: (name: string) => string): void {
  const given = (name: string) => (name === '' ? '' : rename(name))
  for (const named of [...graph.input, ...graph.output, ...graph.valueInfo, ...graph.initializer])
    named.name = given(named.name)
  for (const node of graph.node) {
    node.name = given(node.name)
    node.input = node.input.map(given)
    node.output = node.output.map(given)
    for (const { g } of node.attribute) if (g !== undefined) renameTensors(g, rename)
  }
}
