import type { EncodedImage, ImageSource, Prompt, SampleOptions } from '@evolmm/vlm'
import { EvolmmError } from '@evolmm/internal'
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

/** A prompt of as many tokens as its text has letters. */
function measured() {
  const { sampler, encoded } = repeater()
  const runs: string[][] = []
  const asked: AskedSampler = {
    ...sampler,
    prompt: (options) => {
      const prompt = sampler.prompt(options)
      return { ...prompt, ids: new Int32Array(options.prompt?.length ?? 0) }
    },
    sample: (options) => {
      runs.push(options.prompts.map(({ text }) => text.slice(1, 3)))
      return sampler.sample(options)
    },
  }
  return { sampler: asked, runs, encoded }
}

test('without a number prompts of about equal length are asked together, and the answers are in order', async () => {
  const { sampler, runs } = measured()
  const ask = asker({ sampler }, { automatic: true })
  const lengths = [100, 40, 104, 41, 96, 300]
  const requests = lengths.map((length, i) => ({ prompt: `${i}:`.padEnd(length, 'x'), images: [] }))
  const answers = await ask(requests, { maxNewTokens: 5 })
  expect(runs).toEqual([['1:', '3:'], ['4:', '0:', '2:'], ['5:']])
  expect(answers.map(([text]) => text)).toEqual(requests.map(({ prompt }) => `|${prompt}||0`))
  // A number is what it is.
  runs.length = 0
  expect(await asker({ sampler })(requests, { maxNewTokens: 5 })).toEqual(answers)
  expect(runs.map(({ length }) => length)).toEqual([6])
})

test('without a number a run has so many answers, and so many images are held', async () => {
  const { sampler, runs } = measured()
  const ask = asker({ sampler }, { automatic: true })
  const asked = async (count: number, length: number, samples: number) => {
    runs.length = 0
    const requests = Array.from({ length: count }, (_, i) => ({
      prompt: `${i}:`.padEnd(length, 'x'),
      images: [],
    }))
    await ask(requests, { maxNewTokens: 5, samples })
    return runs.map((run) => run.length)
  }
  expect(await asked(8, 100, 1)).toEqual([8])
  expect(await asked(8, 100, 8)).toEqual([4, 4])
  expect(await asked(3, 100, 50)).toEqual([1, 1, 1])
  expect(await asked(8, 3000, 1)).toEqual([3, 3, 2])
})

test('a run that is too much for memory is asked in halves, and no image is encoded again', async () => {
  const { sampler, encoded } = measured()
  const sizes: number[] = []
  const small: AskedSampler = {
    ...sampler,
    sample: (options) => {
      sizes.push(options.prompts.length)
      if (options.prompts.length > 2)
        throw new EvolmmError('MEMORY_EXCEEDED', 'memory: must be at most 1 GB, got 2 GB; take less')
      return sampler.sample(options)
    },
  }
  const requests = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ prompt: name, images: [`${name}.png`] }))
  const all = await asker({ sampler })(requests, { maxNewTokens: 5 })
  encoded.length = 0
  expect(await asker({ sampler: small }, { automatic: true })(requests, { maxNewTokens: 5 })).toEqual(all)
  expect(sizes).toEqual([5, 3, 2, 1, 2])
  expect(encoded).toHaveLength(5)
})
