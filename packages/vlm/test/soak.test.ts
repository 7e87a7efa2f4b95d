/** The short form of `bench/soak.mjs`: what an iteration uses must be gone after it. */
import { sizedTest } from '@evolmm/internal/testing'
import { expect } from 'vitest'
import { tinyFolder } from './support/safetensors'
import { memory, openLoop } from './support/training-loop'

sizedTest(
  'memory is flat over sampling and learning, after a third to warm up',
  { iterations: [0, 60, 300] },
  async ({ count }) => {
    const { step, close } = await openLoop(tinyFolder)
    for (let i = 0; i < count / 3; i++) await step(i)
    const before = await memory()
    for (let i = count / 3; i < count; i++) await step(i)
    const after = await memory()
    await close()
    // One gradient kept in each iteration would be 4 MB.
    expect(after.held - before.held).toBeLessThan(1e6)
    // Allocators settle over a thousand iterations, by 15 MB in a hundred at the worst. A session opened anew, or the
    // activations of a learning pass kept, would be more than 1 MB each time.
    expect(after.resident - before.resident).toBeLessThan(25e6)
  },
)
