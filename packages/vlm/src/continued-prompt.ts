/** A prompt with the beginning of an answer behind it, from which an answer goes on. */
import { checkObject } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { Prompt } from './types'

/**
 * `ids` are tokens of the answer. The messages are gone, since no conversation says where an answer has been cut; the text is
 * that of the prompt.
 */
export function continuedPrompt(prompt: Prompt, ids: ArrayLike<number>): Prompt {
  checkObject('prompt', prompt)
  const { ids: before, positions, delta } = prompt
  checkTokens('prompt.ids', before)
  checkTokens('prompt.positions', positions)
  const length = before.length + ids.length
  const axes = positions.length / before.length
  const all = new Int32Array(length)
  all.set(before)
  all.set(Array.from(ids), before.length)
  const places = new Int32Array(axes * length)
  for (let axis = 0; axis < axes; axis++) {
    places.set(positions.subarray(axis * before.length, (axis + 1) * before.length), axis * length)
    for (let i = before.length; i < length; i++) places[axis * length + i] = i + delta
  }
  return { ...prompt, messages: undefined, ids: all, positions: places }
}

function checkTokens(name: string, value: unknown): void {
  if (value instanceof Int32Array) return
  throw new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be an Int32Array, got ${typeof value}; pass what prompt returns`,
    {
      details: { option: name },
    },
  )
}
