/** What a gradient rule sees, and what it gives. */
import { EvolmmError } from '../errors'
import { describeNode } from '../describe'
import type { Attribute } from '../graph/attribute'
import type { Node, Tensor } from '../graph/graph'
import { integersOf } from '../graph/tensor-data'

export interface GradientContext {
  readonly node: Node
  /** The input at `index`; internal error if it was left out. */
  input(index: number): Tensor
  /** True if the input at `index` was given. */
  has(index: number): boolean
  output(index?: number): Tensor
  /** Gradient of the loss with respect to the output at `index`; `undefined` where the loss does not depend on it. */
  gradients: readonly (Tensor | undefined)[]
  /** The gradient of the only output that has one. */
  gradient: Tensor
  int(name: string, otherwise: number): number
  float(name: string, otherwise: number): number
  ints(name: string): number[] | undefined
  string(name: string, otherwise: string): string
  /** Elements of an integer input, when they are known before the run. */
  integers(index: number): readonly number[] | undefined
  /** An axis in [0, rank of input 0); needs a known rank. */
  axis(axis: number): number
  /** Throw `UNSUPPORTED_GRADIENT` with the reason. */
  unsupported(reason: string): never
}

/**
 * A rule gives for each input a function that makes its gradient, called only when that gradient is wanted;
 * `undefined` where there is none (indices, shapes, conditions).
 */
export type GradientRule = (context: GradientContext) => (undefined | (() => Tensor))[]

export function gradientContext(node: Node, gradients: readonly (Tensor | undefined)[]): GradientContext {
  const need = <T>(value: T | undefined, what: string): T => {
    if (value === undefined)
      throw new EvolmmError('INTERNAL', `internal: ${node.opType} "${node.name}" has no ${what}`)
    return value
  }
  const unsupported = (reason: string): never => {
    throw new EvolmmError(
      'UNSUPPORTED_GRADIENT',
      `${node.opType} "${node.name}": no gradient, ${reason}, got ${describeNode(node)}`,
    )
  }
  const attribute = (name: string): Attribute | undefined => node.attributes[name]
  return {
    node,
    gradients,
    unsupported,
    input: (index) => need(node.inputs[index], `input ${index}`),
    has: (index) => node.inputs[index] !== undefined,
    output: (index = 0) => need(node.outputs[index], `output ${index}`),
    get gradient() {
      return need(
        gradients.find((gradient) => gradient !== undefined),
        'output gradient',
      )
    },
    int(name, otherwise) {
      const given = attribute(name)
      return given?.type === 'int' ? Number(given.value) : otherwise
    },
    float(name, otherwise) {
      const given = attribute(name)
      return given?.type === 'float' ? given.value : otherwise
    },
    ints(name) {
      const given = attribute(name)
      return given?.type === 'ints' ? given.value.map(Number) : undefined
    },
    string(name, otherwise) {
      const given = attribute(name)
      return given?.type === 'string' ? given.value : otherwise
    },
    integers(index) {
      const input = node.inputs[index]
      const value = input?.value ?? integersOf(input?.data)
      return value?.every((dim) => typeof dim === 'number') === true ? value : undefined
    },
    axis(axis) {
      const rank = node.inputs[0]?.shape?.length
      if (rank === undefined) return unsupported('the rank of its input must be known')
      return axis < 0 ? axis + rank : axis
    },
  }
}
