/** Products of 16-bit numbers on the CPU, which has no kernels for them. */
import type { Graph, Tensor } from '@evolmm/onnx'

type Scope = Graph['body']
type Node = Scope['nodes'][number]

/**
 * Changes each 16-bit product in `graph` into one of float32 with casts around it: what is multiplied was rounded,
 * sums are float32, and the result is rounded, as on a GPU. Weights stay as they are in the file.
 */
export function wideProducts(graph: Graph): Graph {
  const change = (scope: Scope): void => {
    const nodes = scope.nodes.splice(0).flatMap((node) => {
      for (const attribute of Object.values(node.attributes))
        if (attribute.type === 'graph') change(attribute.value)
      const to = codes[node.outputs[0]?.dtype ?? '']
      return node.opType === 'Gemm' && to !== undefined ? around(graph, node, to) : [node]
    })
    scope.nodes.push(...nodes)
  }
  change(graph.body)
  for (const { body } of graph.functions.values()) change(body)
  return graph
}

const codes: Partial<Record<string, number>> = { float16: 10, bfloat16: 16 }

function around(graph: Graph, node: Node, to: number): Node[] {
  const cast = (input: Tensor | undefined, output: Tensor | undefined, code: number): Node => ({
    ...node,
    opType: 'Cast',
    name: graph.fresh('Cast'),
    inputs: [input],
    outputs: [output],
    attributes: { to: { type: 'int', value: code } },
  })
  const wide = (like: Tensor): Tensor =>
    graph.tensor({ ...like, name: graph.fresh('wide'), dtype: 'float32', scope: node.scope, data: undefined })
  const given = node.inputs.filter((tensor) => tensor !== undefined)
  const inputs = given.map(wide)
  const [result] = node.outputs
  if (result === undefined) return [node]
  const output = wide(result)
  return [
    ...given.map((tensor, i) => cast(tensor, inputs[i], 1)),
    { ...node, inputs, outputs: [output] },
    cast(output, result, to),
  ]
}
