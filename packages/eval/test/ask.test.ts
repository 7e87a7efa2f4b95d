import type { EncodedImage, ImageSource, Prompt, SampleOptions } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { asker, policyName, type AskedSampler } from '../src/ask'
import { someAdapter } from './support/some-adapter'

/** A sampler whose answers say what it was given. */
function repeater() {
  const encoded: ImageSource[] = []
  const calls: Omit<SampleOptions, 'prompts'>[] = []
  const sampler: AskedSampler = {
    encodeImage: (source) => {
      encoded.push(source)
      return Promise.resolve({ source } as EncodedImage)
    },
    prompt: ({ prompt, system = '', images = [] }) => ({ text: `${system}|${prompt}`, images }) as Prompt,
    sample: ({ prompts, ...settings }) => {
      calls.push(settings)
      return Promise.resolve(
        prompts.map(({ text, images }) =>
          Array.from({ length: settings.samples ?? 1 }, (_, n) => ({
            text: `${text}|${images.map(({ source }) => source as string).join()}|${n}`,
          })),
        ),
      )
    },
  }
  return { sampler, encoded, calls }
}

test('requests go through the sampler in one run, images encoded first', async () => {
  const { sampler, calls } = repeater()
  const adapter = someAdapter(1, 2)
  const answers = await asker({ sampler, adapter })(
    [
      { prompt: 'p', images: ['a.png', Uint8Array.of(7)], system: 's', seed: [1, 2] },
      { prompt: 'q', images: [] },
    ],
    { maxNewTokens: 5, samples: 2, temperature: 0.5, topP: 0.9 },
  )
  expect(answers).toEqual([
    ['s|p|a.png,7|0', 's|p|a.png,7|1'],
    ['|q||0', '|q||1'],
  ])
  expect(calls).toEqual([
    { seeds: [[1, 2], 0], adapter, samples: 2, temperature: 0.5, topP: 0.9, maxNewTokens: 5 },
  ])
})

test('answers are greedy unless asked otherwise', async () => {
  const { sampler, calls } = repeater()
  await asker({ sampler })([{ prompt: 'p', images: [] }], { maxNewTokens: 5 })
  expect(calls).toMatchObject([{ temperature: 0, samples: 1, maxNewTokens: 5, adapter: undefined }])
})

test('an image is encoded once while neighbouring calls show it, whether as a path or as bytes', async () => {
  const { sampler, encoded } = repeater()
  const ask = asker({ sampler })
  const about = (...images: ImageSource[]) => ask([{ prompt: 'p', images }], { maxNewTokens: 5 })
  await about('a.png', Uint8Array.of(7))
  await about()
  await about(Uint8Array.of(7), 'a.png', 'a.png')
  expect(encoded).toEqual(['a.png', Uint8Array.of(7)])
  await about('b.png')
  await about('a.png')
  expect(encoded.slice(2)).toEqual(['b.png', 'a.png'])
})

test('a sampler without a name is a model', () => {
  const { sampler } = repeater()
  expect(policyName({ sampler })).toBe('model')
  expect(policyName({ sampler: { ...sampler, name: 'owner/tiny' } })).toBe('owner/tiny')
})
