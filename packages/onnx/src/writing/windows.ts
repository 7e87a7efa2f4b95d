/**
 * Windows say which results may share buffers. The runtime gives a result the buffer of an earlier one of equal shape, and
 * keeps that for it however far it lies ahead: for large ones this costs more memory than it saves.
 */
import type { ValueInfoProto } from '../proto/gen/onnx_pb'

/** The type of a result, and the number of nodes before the one that makes it. */
export interface Placed {
  type: ValueInfoProto
  at: number
}

/** Nodes in a row whose large results may share buffers. */
const windowLength = 64

/**
 * The types, those of large results with a length that has another name in each window. Large is what has three named lengths,
 * as scores have, or more numbers in a row than most results do. What is windowed is searched in vain later on, so that
 * opening takes longer by what is done to many.
 */
export function inWindows(placed: readonly Placed[]): ValueInfoProto[] {
  const usual = mostFrequent(placed.flatMap(({ type }) => (namedIn(type).length === 0 ? [] : [rowOf(type)])))
  for (const { type, at } of placed) {
    const named = namedIn(type)
    if (named.length === 0 || (named.length < 3 && rowOf(type) <= usual)) continue
    named[0].value += `@${Math.floor(at / windowLength)}`
  }
  return placed.map(({ type }) => type)
}

const dimsOf = ({ type }: ValueInfoProto) => (type?.tensorType?.shape?.dim ?? []).map(({ value }) => value)

function namedIn(type: ValueInfoProto) {
  return dimsOf(type).filter((value) => value.case === 'dimParam')
}

/** The product of the lengths that are numbers. */
function rowOf(type: ValueInfoProto): number {
  return dimsOf(type).reduce(
    (product, value) => (value.case === 'dimValue' ? product * Number(value.value) : product),
    1,
  )
}

function mostFrequent(numbers: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const each of numbers) counts.set(each, (counts.get(each) ?? 0) + 1)
  let most = 0
  let found = Infinity
  for (const [each, count] of counts)
    if (count > most) {
      most = count
      found = each
    }
  return found
}
