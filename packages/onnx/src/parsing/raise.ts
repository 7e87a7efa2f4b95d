/**
 * Operators of the standard sets 13 to 20 as operator set 21 writes them, so that a graph speaks one language and
 * gradients of it are valid. Most have only become more general; these have changed.
 */
import { int, string, type Attribute } from '../graph/attribute'
import type { Graph, Tensor } from '../graph/graph'
import { quote, unsupported } from './invalid'

/** The version that graphs are raised to, and the oldest that can be. */
export const currentOpset = 21
export const oldestOpset = 13

export interface Call {
  opType: string
  inputs: (Tensor | undefined)[]
  attributes: Record<string, Attribute>
  /** The number of outputs that the file names. */
  outputs: number
}

type CallChange = (call: Call, graph: Graph) => Call

function listOf(attribute: Attribute | undefined): readonly (number | bigint)[] | undefined {
  return attribute?.type === 'ints' ? attribute.value : undefined
}

/** Lists of integers move from an attribute to an input. */
const toInput =
  (name: string, index: number): CallChange =>
  ({ inputs, attributes: { [name]: given, ...attributes }, ...call }, graph) => {
    const values = listOf(given)
    if (values === undefined) return { ...call, inputs, attributes }
    const added = [...inputs]
    while (added.length <= index) added.push(undefined)
    added[index] ??= graph.constant('int64', [values.length], values)
    return { ...call, inputs: added, attributes }
  }

const refuse =
  (reason: string): CallChange =>
  ({ opType }) => {
    throw unsupported(
      `model: ${quote(opType)} must be of operator set 21 or later, ${reason}; convert the model`,
    )
  }

const reduction = { before: 18, change: toInput('axes', 1) }

const changes = new Map<string, { before: number; change: CallChange }>([
  ['ReduceMean', reduction],
  ['ReduceMax', reduction],
  ['ReduceMin', reduction],
  ['ReduceProd', reduction],
  ['ReduceL1', reduction],
  ['ReduceL2', reduction],
  ['ReduceLogSum', reduction],
  ['ReduceLogSumExp', reduction],
  ['ReduceSumSquare', reduction],
  [
    'Split',
    {
      before: 18,
      change: (call) =>
        call.inputs[1] === undefined
          ? { ...call, attributes: { ...call.attributes, num_outputs: int(call.outputs) } }
          : call,
    },
  ],
  [
    'RoiAlign',
    {
      before: 16,
      change: (call) => ({
        ...call,
        attributes: { ...call.attributes, coordinate_transformation_mode: string('output_half_pixel') },
      }),
    },
  ],
  [
    'GridSample',
    {
      before: 20,
      change: ({ attributes, ...call }) => {
        const mode = attributes.mode as Attribute | undefined
        const renamed = mode?.value === 'bicubic' ? 'cubic' : mode?.value === 'nearest' ? 'nearest' : 'linear'
        return { ...call, attributes: { ...attributes, mode: string(renamed) } }
      },
    },
  ],
  ['DFT', { before: 20, change: refuse('because its axis has moved') }],
  ['GroupNormalization', { before: 21, change: refuse('because its scale is per channel since then') }],
  [
    'BatchNormalization',
    {
      before: 14,
      change: (call, graph) =>
        call.outputs > 1 ? refuse('because its further outputs have changed')(call, graph) : call,
    },
  ],
])

/** The call as operator set 21 writes it, given the version that the file means. */
export function raise(call: Call, version: number, graph: Graph): Call {
  const known = changes.get(call.opType)
  return known !== undefined && version < known.before ? known.change(call, graph) : call
}
