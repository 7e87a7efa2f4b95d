/** The one way in which nodes come into being: check the inputs, infer the outputs, append. */
import { EvolmmError } from '@evolmm/internal'
import { inferenceRules } from '../infer/index'
import { inferenceContext, type Inferred } from '../infer/context'
import type { Attribute } from './attribute'
import { type Graph, type Node, type Tensor } from './graph'

/** What operators take: a tensor, or a number that becomes a scalar of the other operand's type. */
export type Operand = Tensor | number

export interface EmitOptions {
  attributes?: Record<string, Attribute>
  domain?: string
  /** Types of the outputs, where no rule can tell: functions, and operators from files. */
  outputs?: Inferred[]
  /** Names of the outputs, when a file gives them; an empty name is an output that is left out. */
  names?: readonly string[]
  nodeName?: string
}

/** Append a node to the graph that its inputs belong to and return its outputs. */
export function emit(
  graph: Graph,
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  options: EmitOptions = {},
): Tensor[] {
  const { attributes = {}, domain = '', names } = options
  const scope = graph.current
  const name = options.nodeName ?? graph.fresh(opType)
  for (const input of inputs) {
    if (input !== undefined && (input.scope.graph !== graph || !scope.sees(input.scope))) {
      throw new EvolmmError(
        'OUT_OF_SCOPE',
        `${opType} "${name}": inputs must belong to this graph and to a scope around the node, got "${input.name}" of ` +
          `${input.scope.kind} "${input.scope.name}"; pass it in as an input`,
      )
    }
  }
  const outputs: Tensor[] = []
  const node: Node = { opType, domain, name, inputs, outputs, attributes, scope, region: graph.currentRegion }
  const rule = domain === '' || domain === 'com.microsoft' ? inferenceRules[opType] : undefined
  const inferred = options.outputs ?? rule?.(inferenceContext(node, graph))
  if (inferred === undefined) {
    throw new EvolmmError(
      'UNKNOWN_OPERATOR',
      `${opType} "${name}": must be a known operator of domain "${domain}"; give its outputs`,
    )
  }
  for (const [index, { dtype, shape, value }] of inferred.entries()) {
    // The value of a node with one output shares the node's name: they are different namespaces in the file.
    const made = inferred.length === 1 && options.nodeName === undefined ? name : graph.fresh(name)
    const given = names?.[index] ?? ''
    const outputName = given === '' ? made : graph.claim(given)
    outputs.push(graph.tensor({ name: outputName, dtype, shape, value, scope, node }))
  }
  scope.nodes.push(node)
  return outputs
}

/** The graph of the first tensor among the operands. */
export function graphOf(
  opType: string,
  operands: readonly (Operand | readonly number[] | undefined)[],
): Graph {
  for (const operand of operands) if (isTensor(operand)) return operand.scope.graph
  throw new EvolmmError(
    'NO_TENSOR',
    `${opType}: at least one operand must be a tensor, got numbers only; use graph.constant`,
  )
}

export function isTensor(operand: unknown): operand is Tensor {
  return typeof operand === 'object' && operand !== null && 'scope' in operand
}
