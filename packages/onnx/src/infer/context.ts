/** What a shape-inference rule sees of the node it is asked about. */
import { EvolmmError } from '../errors'
import type { Attribute } from '../graph/attribute'
import type { DType } from '../graph/dtype'
import { describeNode, describeTensor } from '../describe'
import type { Graph, Node, Scope, Tensor } from '../graph/graph'
import type { Dim, Shape } from '../graph/shape'

/** Type of one output. */
export interface Inferred {
  dtype: DType
  shape: Shape | undefined
  value?: readonly Dim[] | undefined
}

export interface InferenceContext {
  readonly node: Node
  /** The input at `index`, which must be there. */
  input(index: number): Tensor
  optional(index: number): Tensor | undefined
  int(name: string, otherwise: number): number
  ints(name: string): number[] | undefined
  string(name: string, otherwise: string): string
  body(name: string): Scope
  /** An axis in [0, rank), from one that may be negative. */
  axis(axis: number, rank: number): number
  /** The input at `index`, which must hold integers of one of `types`. @default int64 */
  integers(index: number, types?: readonly DType[]): Tensor
  /** A dimension of which nothing is known. */
  unknown(): Dim
  /** A shape of which only the rank is known, if that; nothing has more than 64 axes. */
  unknownShape(rank: Dim | undefined): Shape | undefined
  /** Throw `SHAPE_MISMATCH`: `rule` says what must hold. */
  fail(rule: string): never
}

export type InferenceRule = (context: InferenceContext) => Inferred[]

export function inferenceContext(node: Node, graph: Graph): InferenceContext {
  const fail = (rule: string): never => {
    const got = node.inputs
      .map((input) => (input === undefined ? '(none)' : describeTensor(input)))
      .join(' and ')
    throw new EvolmmError(
      'SHAPE_MISMATCH',
      `${node.opType} "${node.name}": ${rule}, got ${got} in ${describeNode(node)}; check what feeds it`,
      {
        details: {
          node: node.name,
          opType: node.opType,
          inputs: node.inputs.map((input) => input && { dtype: input.dtype, shape: input.shape }),
        },
      },
    )
  }
  const given = <T extends Attribute['type']>(name: string, type: T) => {
    const attribute = node.attributes[name] as Attribute | undefined
    if (attribute !== undefined && attribute.type !== type)
      fail(`attribute ${name} must be of type ${type}, but is ${attribute.type}`)
    return attribute as Extract<Attribute, { type: T }> | undefined
  }
  return {
    node,
    fail,
    input: (index) => node.inputs[index] ?? fail(`input ${index} must be given`),
    optional: (index) => node.inputs[index],
    int(name, otherwise) {
      return Number(given(name, 'int')?.value ?? otherwise)
    },
    ints(name) {
      return given(name, 'ints')?.value.map(Number)
    },
    string(name, otherwise) {
      return given(name, 'string')?.value ?? otherwise
    },
    body(name) {
      return given(name, 'graph')?.value ?? fail(`attribute ${name} must be given`)
    },
    axis(axis, rank) {
      if (axis < -rank || axis >= rank) fail(`axis ${axis} must be within rank ${rank}`)
      return axis < 0 ? axis + rank : axis
    },
    integers(index, types = ['int64']) {
      const input = node.inputs[index] ?? fail(`input ${index} must be given`)
      if (!types.includes(input.dtype)) fail(`input ${index} must be ${types.join(' or ')}`)
      return input
    },
    unknown: () => graph.fresh('unknown'),
    unknownShape(rank) {
      if (typeof rank !== 'number') return undefined
      if (rank > 64) fail(`the list of lengths must have at most 64 entries, got ${rank}`)
      return Array.from({ length: rank }, () => graph.fresh('unknown'))
    },
  }
}
