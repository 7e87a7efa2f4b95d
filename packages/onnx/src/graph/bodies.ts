/** Bodies within nodes, and what they take from around them. */
import type { Node, Scope, Tensor } from './graph'

/** The tensors of scopes around `scope` that its nodes use, nested bodies included, each once. */
export function capturedBy(scope: Scope): Tensor[] {
  const captured = new Set<Tensor>()
  const visit = (inner: Scope): void => {
    for (const node of inner.nodes) {
      for (const input of node.inputs)
        if (input !== undefined && !within(input.scope, scope)) captured.add(input)
      for (const nested of bodiesOf(node)) visit(nested)
    }
    for (const output of inner.outputs) if (!within(output.scope, scope)) captured.add(output)
  }
  visit(scope)
  return [...captured]
}

/** The bodies among a node's attributes. */
export function bodiesOf(node: Node): Scope[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? [attribute.value] : [],
  )
}

function within(scope: Scope, ancestor: Scope): boolean {
  return scope.sees(ancestor)
}
