/** What an iteration uses must be gone after it. */
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sizedTest } from '@evolmm/internal/testing'
import { expect } from 'vitest'
import { evolve } from '../src/index'
import { makeImages, openTiny, tinyOptions } from './support/tiny-run'
import { textReward } from './support/tiny-train'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes after everything unused was let go; the runtime's buffers go one turn after what held them. */
async function memory(): Promise<{ resident: number; held: number }> {
  for (let i = 0; i < 3; i++) {
    collect()
    await setImmediate()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss, held: heapUsed + external }
}

sizedTest('memory is flat, both roles learning', { iterations: [60, 300, 500] }, async ({ count }) => {
  const vlm = await openTiny()
  const images = await makeImages(4)
  const options = await tinyOptions(vlm, images.folder, {
    total_steps: count,
    lr: 1e-5,
    reward: textReward,
  })
  const seen = new Map<number, Awaited<ReturnType<typeof memory>>>()
  const warm = Math.min(100, count / 3)
  for await (const { step } of evolve(options))
    if (step === warm || step === count) seen.set(step, await memory())
  await vlm.dispose()
  await images.remove()
  const [start, end] = [seen.get(warm), seen.get(count)]
  if (start === undefined || end === undefined) throw new Error('the run ended early')
  // What JavaScript holds: 200 questions of the watch come and go. One gradient kept each time would be 600 kB.
  expect(end.held - start.held).toBeLessThan(2e6)
  // Allocators settle over a thousand iterations. Activations of a learning pass kept would be over 1 MB each time.
  expect(end.resident - start.resident).toBeLessThan(25e6)
})
