/** A graph as text, for people, tests and error messages. */
import type { Attribute } from './graph/attribute'
import { Graph, showTensor, type Node, type Scope, type Tensor } from './graph/graph'
import { showShape } from './graph/shape'
import { integersOf, type TensorData } from './graph/tensor-data'

/** One line for each input, constant, node and output; bodies and functions are indented below. */
export function describe(graph: Graph): string {
  const functions = [...graph.functions.values()].flatMap(({ name, body }) =>
    scopeLines(`function ${name}`, body),
  )
  return [...scopeLines(`graph ${graph.name}`, graph.body), ...functions].join('\n')
}

function scopeLines(title: string, scope: Scope): string[] {
  return [
    `${title}(${scope.inputs.map(showTensor).join(', ')})`,
    ...scope.initializers.map((tensor) => `  ${showTensor(tensor)} = ${showData(tensor.data)}`),
    ...scope.nodes.flatMap(nodeLines).map((line) => `  ${line}`),
    `  return ${scope.outputs.map(name).join(', ')}`,
  ]
}

function nodeLines(node: Node): string[] {
  const attributes = Object.entries(node.attributes)
  const plain = attributes.flatMap(([key, attribute]) =>
    attribute.type === 'graph' ? [] : [`${key}=${showAttribute(attribute)}`],
  )
  const options = plain.length > 0 ? ` {${plain.join(', ')}}` : ''
  const opType = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
  const outputs = written(node.outputs).map((tensor) => (tensor === undefined ? '_' : showTensor(tensor)))
  return [
    `${outputs.join(', ')} = ${opType}(${written(node.inputs).map(name).join(', ')})${options}`,
    ...attributes.flatMap(([key, attribute]) =>
      attribute.type === 'graph' ? scopeLines(key, attribute.value).map((line) => `  ${line}`) : [],
    ),
  ]
}

/** As in the file: those at the end that are left out do not show. */
function written(tensors: Node['inputs']): Node['inputs'] {
  return tensors.slice(0, tensors.findLastIndex((tensor) => tensor !== undefined) + 1)
}

const name = (tensor: Tensor | undefined): string => tensor?.name ?? '_'

function showAttribute(attribute: Attribute): string {
  switch (attribute.type) {
    case 'tensor':
      return showData(attribute.value)
    case 'graph':
      return attribute.value.name
    case 'string':
      return JSON.stringify(attribute.value)
    case 'ints':
    case 'floats':
    case 'strings':
      return `[${attribute.value.join(', ')}]`
    default:
      return String(attribute.value)
  }
}

function showData(data: TensorData | undefined): string {
  if (data === undefined) return '?'
  if ('location' in data) return `${data.location}@${data.offset}+${data.length}`
  const integers = integersOf(data)
  if (integers !== undefined && integers.length <= 8) return `[${integers.join(', ')}]`
  return `${data.dtype} ${showShape(data.dims)}, ${data.bytes.length} bytes`
}
