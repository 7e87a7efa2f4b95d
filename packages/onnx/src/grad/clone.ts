/** Copies of nodes with other inputs: for branches that are run backwards, and for inlining. */
import { isStopped, stop } from './stop-gradient'
import { isGuessed, isTypeKept, keepType, markGuessed } from '../graph/kept'
import type { Attribute } from '../graph/attribute'
import { emit } from '../ops/emit'
import { Scope, type Node, type Tensor } from '../graph/graph'

/**
 * Append copies of `nodes` to the current scope, tensors replaced as `replaced` says; what is not in it stays. The
 * copies' outputs are added to `replaced`.
 */
export function cloneNodes(nodes: readonly Node[], replaced: Map<Tensor, Tensor>): void {
  const swap = (tensor: Tensor | undefined) => tensor && (replaced.get(tensor) ?? tensor)
  for (const node of nodes) {
    const { graph } = node.scope
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
        name,
        attribute.type === 'graph'
          ? { type: 'graph', value: cloneBody(attribute.value, replaced) }
          : attribute,
      ]),
    )
    const outputs = emit(graph, node.opType, node.inputs.map(swap), {
      domain: node.domain,
      attributes,
      outputs: node.outputs.map(
        (output) => output && { dtype: output.dtype, shape: output.shape, value: output.value },
      ),
    })
    for (const [index, output] of node.outputs.entries()) {
      if (output === undefined) continue
      replaced.set(output, outputs[index])
      if (isStopped(output)) stop(outputs[index])
      if (isTypeKept(output)) keepType(outputs[index])
      if (isGuessed(output)) markGuessed(outputs[index])
    }
  }
}

function cloneBody(scope: Scope, outer: ReadonlyMap<Tensor, Tensor>): Scope {
  const { graph } = scope
  const copy = new Scope(graph, graph.current, 'body', graph.fresh(scope.name))
  const replaced = new Map(outer)
  for (const input of scope.inputs)
    replaced.set(input, graph.addInput(copy, graph.fresh(input.name), input.dtype, input.shape))
  for (const constant of scope.initializers) {
    const renamed = { ...constant, name: graph.fresh(constant.name), scope: copy }
    copy.initializers.push(renamed)
    replaced.set(constant, renamed)
  }
  graph.within(copy, () => {
    cloneNodes(scope.nodes, replaced)
    for (const output of scope.outputs) copy.outputs.push(replaced.get(output) ?? output)
  })
  return copy
}
