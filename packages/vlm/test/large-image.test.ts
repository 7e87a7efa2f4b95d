/** Large images through the public functions; `shapes.test.ts` compares numbers at 1024 by 768 with PyTorch. */
import { sizedTest } from '@evolmm/internal/testing'
import { expect } from 'vitest'
import { picture } from './support/formulas'
import { referenceAdapter, vlm } from './support/loaded'

const widths = { 'pixels of width': [640, 1024, 1536] } as const
sizedTest('an image is encoded, sampled, streamed and learned from', widths, async ({ count: width }) => {
  const height = 0.75 * width
  const image = await vlm.encodeImage(picture(width, height, 3))
  // Merged patches: 1024 / 28 = 36.57 and 768 / 28 = 27.43, rounded.
  const [rows, columns] = [Math.round(height / 28), Math.round(width / 28)]
  expect(image.fields).toEqual({ image_grid_thw: [1, 2 * rows, 2 * columns] })
  expect([image.tokens, image.patches]).toEqual([rows * columns, 4 * rows * columns])
  const prompt = vlm.prompt({ images: [image], prompt: 'What?' })
  expect(prompt.imageSpans.map(({ length }) => length)).toEqual([rows * columns])

  const adapter = referenceAdapter(vlm)
  const [samples] = await vlm.sample({ prompts: [prompt], adapter, samples: 2, maxNewTokens: 8, seeds: [4] })
  let streamed = ''
  for await (const piece of vlm.stream({ prompt, adapter, maxNewTokens: 8, seed: 4 })) streamed += piece
  expect(streamed).toBe(samples[0].text)

  const { samplerGap, gradient } = await vlm.gradient({
    groups: [{ prompt, completions: samples, advantages: [1, -1] }],
    adapter,
    beta: 0.1,
    checkpointed: true,
  })
  expect(samplerGap).toBeLessThan(1e-4)
  expect(gradient.every(Number.isFinite)).toBe(true)
})
