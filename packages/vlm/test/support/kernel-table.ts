/**
 * The kernels that providers of ONNX Runtime have, by its published table (`fixtures/kernels.json`, which
 * `scripts/write-kernels.mjs` writes). A node is placed on a provider only if a kernel names the version of its operator,
 * either as its first version or within a range that has an end; and the type of each of its operands.
 */
import type { Graph } from '@evolmm/onnx'
import { readFixture } from '../prompt-checkpoint'

type Node = Graph['body']['nodes'][number]
type Kernel = readonly [first: number, last: number | null, types: Readonly<Record<string, number>>]

interface KernelTable {
  sources: readonly { repository: string; file: string; commit: string }[]
  types: readonly string[]
  operators: Partial<Record<string, { versions: readonly number[]; forms: readonly string[] }>>
  kernels: Record<'cpu' | 'cuda', Partial<Record<string, readonly Kernel[]>>>
}

export const kernelTable = readFixture('kernels.json') as KernelTable
const types = kernelTable.types.map((list) => new Set(list.split(' ')))

/** Nodes of the program that the provider has no kernel for, each kind once: `Operator(types) -> types`. */
export function withoutKernel(graph: Graph, provider: 'cpu' | 'cuda'): string[] {
  const kinds = new Map<string, Node>()
  for (const node of nodesOf(graph)) {
    const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
    kinds.set(`${name}(${typesOf(node.inputs)}) -> ${typesOf(node.outputs)}`, node)
  }
  const without = [...kinds].filter(([, node]) => !hasKernel(node, graph.opset, provider))
  return without.map(([kind]) => kind).sort()
}

function hasKernel(node: Node, opset: number, provider: 'cpu' | 'cuda'): boolean {
  const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
  const version = versionOf(name, node.domain === '' ? opset : 1)
  const kernels = kernelTable.kernels[provider][name] ?? []
  return kernels.some(([first, last, allowed]) => {
    const names = first === version || (last !== null && first <= version && version <= last)
    return names && fits(name, node, allowed)
  })
}

/** The version at which an operator last changed, seen from an operator set. */
function versionOf(name: string, opset: number): number {
  const { versions } = kernelTable.operators[name] ?? {}
  if (versions === undefined) throw new Error(`${name}: the table of kernels must have the operator`)
  return versions.findLast((version) => version <= opset) ?? 1
}

const typesOf = (tensors: Node['inputs']) => tensors.map((tensor) => tensor?.dtype ?? '').join(', ')

/** True if the operands are of the types that the kernel has, in a form that names all which it is particular about. */
function fits(name: string, { inputs, outputs }: Node, allowed: Kernel[2]): boolean {
  const forms = (kernelTable.operators[name]?.forms ?? []).map((form) => form.split('-> ').map(operandsOf))
  const keys = Object.keys(allowed)
  const named = forms.filter((form) => {
    const all = form.flat().flatMap(({ operand, type }) => [operand, type])
    return keys.every((key) => all.includes(key))
  })
  return (named.length > 0 ? named : forms).some(([ins, outs]) => {
    const agrees = (tensors: Node['inputs'], operands: typeof ins) =>
      tensors.every((tensor, index) => {
        const place = operands.at(Math.min(index, operands.length - 1))
        if (tensor === undefined) return true
        if (place === undefined) return false
        const letter = place.operand in allowed ? place.operand : place.type
        if (letter in allowed) return types[allowed[letter]].has(tensor.dtype)
        return /^[A-Z]/.test(place.type) || place.type === tensor.dtype
      })
    return agrees(inputs, ins) && agrees(outputs, outs)
  })
}

const operandsOf = (text: string) =>
  text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const [operand, type] = part.split(':')
      return { operand, type }
    })

/** The nodes of the graph, of what branches and loops run, and of functions, whose calls are left out. */
function nodesOf(graph: Graph): Node[] {
  const within = (scope: Graph['body']): Node[] =>
    scope.nodes.flatMap((node) => [
      ...(node.domain === 'evolmm' ? [] : [node]),
      ...Object.values(node.attributes).flatMap((each) => (each.type === 'graph' ? within(each.value) : [])),
    ])
  const functions = [...graph.functions.values()]
  const gradients = functions.flatMap((each) => [...each.gradients.values()].map(({ fn }) => fn))
  return [graph.body, ...functions.map(({ body }) => body), ...gradients.map(({ body }) => body)].flatMap(
    within,
  )
}
