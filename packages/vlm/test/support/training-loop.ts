/** A small training loop for watching memory; shared by the test and `bench/soak.mjs`. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AdamW } from '@evolmm/rl-core'
import { loadVlm } from '@evolmm/vlm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

export interface Memory {
  /** Bytes of the whole process. */
  resident: number
  /** Bytes of values and buffers that JavaScript holds. */
  held: number
}

/** The memory after everything unused was let go; the runtime's buffers go one turn after what held them. */
export async function memory(): Promise<Memory> {
  for (let i = 0; i < 3; i++) {
    collect()
    await setImmediate()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss, held: heapUsed + external }
}

/** Opens the tiny checkpoint; `step(i)` encodes an image, samples, takes a gradient and steps. */
export async function openLoop(
  folder: string,
): Promise<{ step: (i: number) => Promise<void>; close: () => Promise<void> }> {
  const vlm = await loadVlm(folder, { threads: 1 })
  const adapter = vlm.createAdapter({ rank: 8 })
  const optimizer = new AdamW({ size: adapter.parameters.length, lr: 1e-4, clip: 1 })
  return {
    step: async (i) => {
      const image = await vlm.encodeImage(join(folder, 'images/img0.png'))
      const prompt = vlm.prompt({ images: [image], prompt: 'What is the tallest bar?' })
      const [completions] = await vlm.sample({
        prompts: [prompt],
        adapter,
        samples: 5,
        maxNewTokens: 16,
        stopTokens: [],
        seeds: [[7, i]],
      })
      const advantages = completions.map((_, n) => n - 2)
      const { gradient } = await vlm.gradient({
        groups: [{ prompt, completions, advantages }],
        adapter,
        beta: 0.01,
      })
      optimizer.step(adapter.parameters, gradient)
    },
    close: vlm.dispose,
  }
}
