import { expect, test } from 'vitest'
import { asMemoryAllows, EvolmmError } from '../src/index'

/** Doubles at most `room` numbers at a time; `calls` are how many were asked for. */
function doubler(room: number, code = 'MEMORY_EXCEEDED') {
  const calls: number[] = []
  const run = (part: readonly number[]) => {
    calls.push(part.length)
    return part.length > room
      ? Promise.reject(new EvolmmError(code, 'memory: must be less, got more; take less'))
      : Promise.resolve(part.map((each) => 2 * each))
  }
  return { calls, run }
}

test.each([
  [9, [7]],
  [4, [7, 4, 3]],
  [3, [7, 4, 2, 2, 3]],
  [1, [7, 4, 2, 1, 1, 2, 1, 1, 3, 2, 1, 1, 1]],
])('with room for %i there are calls of %j, and the results are in order', async (room, sizes) => {
  const { calls, run } = doubler(room)
  expect(await asMemoryAllows([1, 2, 3, 4, 5, 6, 7], run)).toEqual([2, 4, 6, 8, 10, 12, 14])
  expect(calls).toEqual(sizes)
})

test('a device that fails is asked for less too; what is too much alone is thrown, as is anything else', async () => {
  expect(await asMemoryAllows([1, 2], doubler(1, 'DEVICE_FAILED').run)).toEqual([2, 4])
  const none = doubler(0)
  await expect(asMemoryAllows([1, 2, 3], none.run)).rejects.toMatchObject({ code: 'MEMORY_EXCEEDED' })
  expect(none.calls).toEqual([3, 2, 1])
  const other = doubler(1, 'INVALID_OPTION')
  await expect(asMemoryAllows([1, 2], other.run)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(other.calls).toEqual([2])
})
