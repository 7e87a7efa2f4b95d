/**
 * Two stretches of nodes are the same if they differ in names alone: this is what `checkpoint` needs of its function.
 */
import type { Attribute } from '../graph/attribute'
import type { Graph, Node, Scope, Tensor } from '../graph/graph'

/**
 * The place of the first node of `again` that differs from its counterpart in `first`; `undefined` when none does.
 * `renamed` says which tensors of `again` stand for which of `first`, and learns the results.
 */
export function firstDifference(
  first: readonly Node[],
  again: readonly Node[],
  renamed: Map<Tensor, Tensor>,
): number | undefined {
  for (let at = 0; at < Math.max(first.length, again.length); at++) {
    const [a, b] = [first.at(at), again.at(at)]
    if (a === undefined || b === undefined || !sameNode(a, b, renamed)) return at
    for (const [index, output] of b.outputs.entries()) {
      const counterpart = a.outputs[index]
      if (output !== undefined && counterpart !== undefined) renamed.set(output, counterpart)
    }
  }
  return undefined
}

function sameNode(a: Node, b: Node, renamed: Map<Tensor, Tensor>): boolean {
  const { graph } = a.scope
  const same = (x: Tensor | undefined, y: Tensor | undefined) =>
    x === undefined || y === undefined ? x === y : sameTensor(x, renamed.get(y) ?? y)
  const keys = Object.keys(a.attributes)
  return (
    sameOperator(graph, a, b) &&
    a.inputs.length === b.inputs.length &&
    a.outputs.length === b.outputs.length &&
    a.inputs.every((input, index) => same(input, b.inputs[index])) &&
    keys.length === Object.keys(b.attributes).length &&
    keys.every((key) => sameAttribute(a.attributes[key], b.attributes[key], renamed))
  )
}

/** Functions are the same when their bodies are: a custom op that is made anew gets a name of its own. */
function sameOperator(graph: Graph, a: Node, b: Node): boolean {
  if (a.domain !== b.domain) return false
  if (a.opType === b.opType) return true
  const [f, g] = [a, b].map(({ domain, opType }) => graph.functions.get(`${domain}.${opType}`)?.body)
  return f !== undefined && g !== undefined && sameScope(f, g, new Map())
}

function sameScope(a: Scope, b: Scope, outer: ReadonlyMap<Tensor, Tensor>): boolean {
  const renamed = new Map(outer)
  for (const [index, input] of b.inputs.entries()) {
    const counterpart = a.inputs.at(index)
    if (counterpart !== undefined) renamed.set(input, counterpart)
  }
  return (
    a.inputs.length === b.inputs.length &&
    firstDifference(a.nodes, b.nodes, renamed) === undefined &&
    a.outputs.length === b.outputs.length &&
    a.outputs.every((output, index) => sameTensor(output, renamed.get(b.outputs[index]) ?? b.outputs[index]))
  )
}

/** One tensor, or two constants that hold the same. */
function sameTensor(a: Tensor, b: Tensor): boolean {
  return a === b || (a.data !== undefined && b.data !== undefined && sameValue(a.data, b.data))
}

function sameAttribute(
  a: Attribute,
  b: Attribute | undefined,
  renamed: ReadonlyMap<Tensor, Tensor>,
): boolean {
  if (a.type === 'graph' && b?.type === 'graph') return sameScope(a.value, b.value, renamed)
  return a.type === b?.type && sameValue(a.value, b.value)
}

/** Numbers, texts, lists, and contents of constants: bytes by their contents, files by where they are. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, at) => byte === b[at])
  const [these, those] = [Object.entries(a), new Map(Object.entries(b))]
  return these.length === those.size && these.every(([key, value]) => sameValue(value, those.get(key)))
}
