/** The short form of `bench/soak.mjs`: what an iteration uses must be gone after it. */
import { expect, test } from 'vitest'
import { tinyFolder } from './support/safetensors'
import { memory, openLoop } from './support/training-loop'

test('memory is flat over forty iterations of sampling and learning, after twenty to warm up', async () => {
  const { step, close } = await openLoop(tinyFolder)
  for (let i = 0; i < 20; i++) await step(i)
  const before = await memory()
  for (let i = 20; i < 60; i++) await step(i)
  const after = await memory()
  await close()
  // One gradient kept in each iteration would be 4 MB.
  expect(after.held - before.held).toBeLessThan(1e6)
  // Allocators settle over a thousand iterations, by 15 MB in a hundred at the worst. A session opened anew, or the
  // activations of a learning pass kept, would be more than 1 MB each time.
  expect(after.resident - before.resident).toBeLessThan(25e6)
})
