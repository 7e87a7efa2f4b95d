/** Images of a usual size through the public functions; `shapes.test.ts` compares their numbers with PyTorch. */
import { afterAll, expect, test } from 'vitest'
import { picture } from './support/formulas'
import { loadTiny, referenceAdapter } from './support/loaded'

const vlm = await loadTiny()
afterAll(() => vlm.dispose())

test('an image of 1024 by 768 pixels is encoded, sampled, streamed and learned from', async () => {
  const image = await vlm.encodeImage(picture(1024, 768, 3))
  // 1024 / 28 = 36.57 and 768 / 28 = 27.43 merged patches, rounded.
  expect(image.fields).toEqual({ image_grid_thw: [1, 2 * 27, 2 * 37] })
  expect([image.tokens, image.patches]).toEqual([27 * 37, 4 * 27 * 37])
  const prompt = vlm.prompt({ images: [image], prompt: 'What?' })
  expect(prompt.imageSpans.map(({ length }) => length)).toEqual([27 * 37])

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
