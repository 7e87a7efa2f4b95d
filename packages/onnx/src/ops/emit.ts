/** The one way in which nodes come into being: check the inputs, infer the outputs, append. */
import { EvolmmError } from '../errors'
import { describeNode } from '../describe'
import { inferenceRules } from '../infer/index'
import { longestValue } from '../infer/values'
import { inferenceContext, type Inferred, type InferenceRule } from '../infer/context'
import type { Attribute } from '../graph/attribute'
import { isTensor, kindOf, Scope, type Graph, type Node, type Tensor } from '../graph/graph'
import { showShape, type Dim } from '../graph/shape'

/** What operators take: a tensor, or a number that becomes a scalar of the other operand's type. */
export type Operand = Tensor | number

export interface EmitOptions {
  attributes?: Record<string, Attribute>
  domain?: string
  /** Types of the outputs, where no rule can tell: functions, and operators from files. `undefined`: left out. */
  outputs?: readonly (Inferred | undefined)[]
  /** Names of the outputs, when a file gives them; an empty name is an output that is left out. */
  names?: readonly string[]
  /** The last word on the type of output `index`, given what the rule found: for types that a file declares. */
  settle?: (found: Inferred | undefined, index: number) => Inferred
  nodeName?: string
}

/** No tensor has more axes, and no length a longer name: what grows beyond is not from a sound model. */
const maxRank = 64
const maxNameLength = 200

/** Append a node to the graph that its inputs belong to and return its outputs. */
export function emit(
  graph: Graph,
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  options: EmitOptions = {},
): Tensor[] {
  return emitNode(graph, opType, inputs, options).outputs as Tensor[]
}

/** `emitNode` does what `emit` does, for callers who leave outputs out. */
export function emitNode(
  graph: Graph,
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  options: EmitOptions,
): Node {
  const { attributes = {}, domain = '', names, settle } = options
  const scope = graph.current
  const name = options.nodeName ?? graph.fresh(opType)
  for (const input of inputs) {
    if (input !== undefined && !isTensor(input)) throw notATensor(`${opType} "${name}"`, input)
    if (input !== undefined && (input.scope.graph !== graph || !scope.sees(input.scope))) {
      throw new EvolmmError(
        'OUT_OF_SCOPE',
        `${opType} "${name}": inputs must belong to this graph and to a scope around the node, got "${input.name}" of ` +
          `${input.scope.kind} "${input.scope.name}"; pass it in as an input`,
      )
    }
  }
  for (const [key, { type, value }] of Object.entries(attributes)) {
    const [rule, check] = attributeKinds[type]
    if (!check(value))
      throw new EvolmmError(
        'INVALID_ATTRIBUTE',
        `${opType} "${name}": ${key} must be ${rule}, got ${typeof value === 'object' ? kindOf(value) : String(value)}; ` +
          `see the options of ${opType}`,
        { details: { attribute: key } },
      )
  }
  const outputs: (Tensor | undefined)[] = []
  const node: Node = { opType, domain, name, inputs, outputs, attributes, scope, region: graph.currentRegion }
  const inferred = options.outputs ?? inferenceRule(domain, opType)?.(inferenceContext(node, graph))
  if (inferred === undefined) {
    throw new EvolmmError(
      'UNKNOWN_OPERATOR',
      `${opType} "${name}": must be an operator of the domain "${domain}" that shape inference knows, got another; give its outputs`,
    )
  }
  for (let index = 0; index < (names ?? inferred).length; index++) {
    const found = inferred.at(index)
    const type = settle === undefined ? found : settle(found, index)
    if (type === undefined || names?.[index] === '') {
      outputs.push(undefined)
      continue
    }
    // The value of a node with one output shares the node's name: they are different namespaces in the file.
    const shared = inferred.length === 1 && options.nodeName === undefined
    const outputName = names?.[index] ?? (shared ? name : graph.fresh(name))
    outputs.push(graph.tensor({ name: outputName, ...bounded(graph, type, node), scope, node }))
  }
  if (domain !== '' && !graph.domains.has(domain)) graph.domains.set(domain, 1)
  scope.nodes.push(node)
  return node
}

const isInteger = (value: unknown) => typeof value === 'bigint' || Number.isInteger(value)
const isNumber = (value: unknown) => typeof value === 'number'
const isText = (value: unknown) => typeof value === 'string'
const listOf = (check: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(check)

/** What values of attributes must be; JavaScript lets anything through. */
const attributeKinds: Readonly<
  Record<Attribute['type'], readonly [rule: string, (value: unknown) => boolean]>
> = {
  int: ['an integer', isInteger],
  float: ['a number', isNumber],
  string: ['text', isText],
  ints: ['a list of integers', listOf(isInteger)],
  floats: ['a list of numbers', listOf(isNumber)],
  strings: ['a list of texts', listOf(isText)],
  tensor: ['tensor data', (value) => typeof value === 'object' && value !== null],
  graph: ['a body', (value) => value instanceof Scope],
}

/** The rule for an operator; domains other than the two that have rules have none. */
export function inferenceRule(domain: string, opType: string): InferenceRule | undefined {
  return domain === '' || domain === 'com.microsoft' ? inferenceRules.get(opType) : undefined
}

/** A chain of nodes can double ranks, values and the names of lengths with each step; nothing real does so for long. */
function bounded(graph: Graph, { dtype, shape, value }: Inferred, node: Node): Inferred {
  if (shape !== undefined && shape.length > maxRank) {
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `${node.opType} "${node.name}": the result must have at most ${maxRank} axes, got ${shape.length} in ${describeNode(node)}; check what feeds it`,
    )
  }
  if (
    shape?.some((dim) => typeof dim === 'number' && !(dim >= 0 && dim <= Number.MAX_SAFE_INTEGER)) === true
  ) {
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `${node.opType} "${node.name}": lengths of the result must be 0 or more and below 2^53, got ${showShape(shape)} in ${describeNode(node)}; check what feeds it`,
    )
  }
  const short = (dims: readonly Dim[]): readonly Dim[] =>
    dims.some(tooLong) ? dims.map((dim) => (tooLong(dim) ? graph.fresh('unknown') : dim)) : dims
  const kept = value !== undefined && value.length <= longestValue
  return { dtype, shape: shape && short(shape), value: kept ? short(value) : undefined }
}

function tooLong(dim: Dim): boolean {
  return typeof dim === 'string' && dim.length > maxNameLength
}

/** The graph of the first tensor among the operands, of which the others may be numbers or left out. */
export function graphOf(opType: string, operands: readonly unknown[]): Graph {
  if (!Array.isArray(operands)) throw notATensor(opType, operands)
  const wrong: unknown = operands.find(
    (operand) => operand !== undefined && typeof operand !== 'number' && !isTensor(operand),
  )
  if (wrong !== undefined) throw notATensor(opType, wrong)
  const tensor = operands.find(isTensor)
  if (tensor !== undefined) return tensor.scope.graph
  throw new EvolmmError(
    'NO_TENSOR',
    `${opType}: must have an input tensor, got none; use graph.input or graph.constant`,
  )
}

/** `given`, which must be a list of tensors; `rule` says what it is and that it must be that. */
export function tensorsFrom(rule: string, given: unknown): Tensor[] {
  if (Array.isArray(given) && given.every(isTensor)) return given
  const wrong: unknown = Array.isArray(given) ? given.find((each) => !isTensor(each)) : given
  throw new EvolmmError(
    'NOT_A_TENSOR',
    `${rule} a list of tensors, got ${kindOf(wrong)}${wrong === given ? '' : ' in it'}; write [tensor]`,
  )
}

/** Throw unless `given` is a function; `what` says which. */
export function checkFunction(what: string, given: unknown): void {
  if (typeof given !== 'function')
    throw new EvolmmError(
      'NOT_A_FUNCTION',
      `${what} must be a function that makes nodes, got ${kindOf(given)}; write (x) => [...]`,
    )
}

function notATensor(what: string, value: unknown): EvolmmError {
  return new EvolmmError(
    'NOT_A_TENSOR',
    `${what}: operands must be tensors of a graph, got ${kindOf(value)}; use graph.input or graph.constant`,
  )
}
