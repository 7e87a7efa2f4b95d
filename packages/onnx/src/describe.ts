/** A graph as text, for people, tests and error messages. */
import type { Attribute } from './graph/attribute'
import { dtypeOf, isFloat } from './graph/dtype'
import { showTensor, type Graph, type Node, type Scope, type Tensor } from './graph/graph'
import { fromBfloat16, fromFloat16 } from './graph/half'
import { showShape } from './graph/shape'
import type { InlineData, TensorData } from './graph/tensor-data'
import { tensorValues } from './graph/tensor-values'
import { isGuessed } from './graph/kept'

/** One line for each input, constant, node and output; bodies and functions are indented below. */
export function describe(graph: Graph): string {
  const functions = [...graph.functions.values()].flatMap(({ name, domain, body }) =>
    scopeLines(`function ${domain}.${name}`, body),
  )
  return [...scopeLines(`graph ${graph.name}`, graph.body), ...functions].join('\n')
}

function scopeLines(title: string, scope: Scope): string[] {
  return [
    `${title}(${scope.inputs.map(described).join(', ')})`,
    ...scope.initializers.map((tensor) => `  ${describeTensor(tensor)}`),
    ...scope.nodes.flatMap(nodeLines).map((line) => `  ${line}`),
    `  return ${scope.outputs.map(name).join(', ')}`,
  ]
}

function nodeLines(node: Node): string[] {
  const outputs = written(node.outputs).map((tensor) => (tensor === undefined ? '_' : described(tensor)))
  const line = describeNode(node)
  return [
    outputs.length === 0 ? line : `${outputs.join(', ')} = ${line}`,
    ...Object.entries(node.attributes).flatMap(([key, attribute]) =>
      attribute.type === 'graph' ? scopeLines(key, attribute.value).map((each) => `  ${each}`) : [],
    ),
  ]
}

/** A node without its outputs and bodies: `Reshape(x, shape) {allowzero=0}`. */
export function describeNode(node: Node): string {
  const plain = Object.entries(node.attributes).flatMap(([key, attribute]) =>
    attribute.type === 'graph' ? [] : [`${key}=${showAttribute(key, attribute)}`],
  )
  const options = plain.length > 0 ? ` {${plain.join(', ')}}` : ''
  const opType = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
  return `${opType}(${written(node.inputs).map(name).join(', ')})${options}`
}

/** `x: float32 [2]`, and what a constant holds: `shape: int64 [1] = [4]`. */
export function describeTensor(tensor: Tensor): string {
  return tensor.data === undefined ? described(tensor) : `${described(tensor)} = ${showData(tensor.data)}`
}

/** A type that nothing says is written as `?`. */
function described(tensor: Tensor): string {
  return isGuessed(tensor) ? `${tensor.name}: ? ${showShape(tensor.shape)}` : showTensor(tensor)
}

/** The tensors are listed as in the file: those at the end that are left out do not show. */
function written(tensors: Node['inputs']): Node['inputs'] {
  return tensors.slice(0, tensors.findLastIndex((tensor) => tensor !== undefined) + 1)
}

const name = (tensor: Tensor | undefined): string => tensor?.name ?? '_'

function showAttribute(key: string, attribute: Attribute): string {
  switch (attribute.type) {
    case 'tensor':
      return showData(attribute.value)
    case 'graph':
      return attribute.value.name
    case 'string':
      return showText(attribute.value)
    case 'strings':
      return showList(attribute.value.map(showText))
    case 'floats':
      return showList(attribute.value.map(showFloat))
    case 'ints':
      return showList(attribute.value)
    case 'float':
      return showFloat(attribute.value)
    case 'int':
      return String(
        (key === 'to' || key === 'dtype' ? dtypeOf(Number(attribute.value)) : undefined) ?? attribute.value,
      )
  }
}

/** Lists and texts may be of any length; what is beyond a glance is counted. */
const [mostEntries, mostLetters] = [16, 80]

function showList(list: readonly unknown[]): string {
  const rest = list.length - mostEntries
  return `[${list.slice(0, mostEntries).join(', ')}${rest > 0 ? `, … ${rest} more` : ''}]`
}

function showText(text: string): string {
  return JSON.stringify(text.length > mostLetters ? `${text.slice(0, mostLetters)}…` : text)
}

function showData(data: TensorData): string {
  if ('location' in data) return `${data.location}@${data.offset}+${data.length}`
  if (data.bytes.length <= 8 * mostValues) {
    const values = numbersIn(data)
    if (values.length <= mostValues) {
      const shown = values.map((value) => (isFloat(data.dtype) ? showFloat(Number(value)) : String(value)))
      return data.dims.length === 0 ? shown.join() : `[${shown.join(', ')}]`
    }
  }
  return `${data.dtype} ${showShape(data.dims)}, ${data.bytes.length} bytes`
}

const mostValues = 8

/** The elements as numbers; bool as true and false. */
function numbersIn(data: InlineData): (number | bigint | boolean)[] {
  const values = Array.from<number | bigint>(tensorValues(data) as Iterable<number | bigint>)
  if (data.dtype === 'bool') return values.map((value) => value !== 0)
  if (data.dtype === 'float16') return values.map((bits) => fromFloat16(Number(bits)))
  return data.dtype === 'bfloat16' ? values.map((bits) => fromBfloat16(Number(bits))) : values
}

/** The shortest decimal that is the same float32: 0.1 and not 0.10000000149011612. Doubles that are none stay. */
function showFloat(value: number): string {
  if (Object.is(value, -0)) return '-0'
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value || short === value) return String(short)
  }
  return String(value)
}
