/** Any operator: those that have no function here, and those of other domains, `com.microsoft` above all. */
import { checkNames } from '@evolmm/internal'
import type { Attribute } from '../graph/attribute'
import { dtypeCode, type DType } from '../graph/dtype'
import { emit, graphOf } from './emit'
import type { Tensor } from '../graph/graph'
import { checkShape, type Shape } from '../graph/shape'
import { keepType } from '../graph/kept'

export interface NodeOptions {
  /** @default '' the standard operators */
  domain?: string
  /** Version of the domain's operators, if the graph has none yet. @default 1 */
  version?: number
  /** Tagged with their types: `{ alpha: { type: 'float', value: 1.5 } }`. @default none */
  attributes?: Readonly<Record<string, Attribute>>
  /** Types and shapes of the outputs. They can be left out for operators that shape inference knows. */
  outputs?: readonly { dtype: DType; shape: Shape | undefined }[]
}

/**
 * The outputs of a node. `undefined` is an input that is left out. Where there is no gradient rule, wrap it in a
 * `customOp` that has one.
 */
export function node(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  options: NodeOptions = {},
): Tensor[] {
  checkNames('node', options, { domain: true, version: true, attributes: true, outputs: true })
  const { domain = '', version = 1, attributes = {}, outputs } = options
  const graph = graphOf(opType, inputs)
  for (const [index, { dtype, shape }] of outputs?.entries() ?? []) {
    dtypeCode(dtype)
    checkShape(`${opType}: output ${index}`, shape)
  }
  if (domain !== '' && !graph.domains.has(domain)) graph.domains.set(domain, version)
  const made = emit(graph, opType, inputs, {
    domain,
    attributes: { ...attributes },
    ...(outputs && { outputs }),
  })
  // Whoever reads the file cannot infer them either.
  if (outputs !== undefined) made.forEach(keepType)
  return made
}
