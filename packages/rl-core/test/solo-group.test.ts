import { expect, test } from 'vitest'
import { soloGroup } from '../src/index'

test('one process is a group: sums and lists are its own, and it waits for nobody', async () => {
  const values = Float32Array.of(1, 2)
  await soloGroup.sum(values)
  await soloGroup.barrier()
  await soloGroup.abort(new Error('elsewhere'))
  expect(values).toEqual(Float32Array.of(1, 2))
  expect([soloGroup.rank, soloGroup.size]).toEqual([0, 1])
  expect(await soloGroup.share('mine')).toBe('mine')
  expect(await soloGroup.gather('mine')).toEqual(['mine'])
})
