import { expect, test } from 'vitest'
import { vlmAnswerer, type AnsweringVlm } from '../src/vlm-answerer'

interface FakePrompt {
  text: string
  images: readonly string[]
}

/** A model whose answers say what it was given. */
function fakeVlm() {
  const calls: unknown[] = []
  const vlm: AnsweringVlm<string, FakePrompt, { parameters: Float32Array }> = {
    folder: '/models/Qwen/Tiny',
    encodeImage: (source) => Promise.resolve(`encoded ${String(source)}`),
    prompt: ({ prompt, system, images }) => ({ text: `${system ?? ''}|${prompt}`, images }),
    sample: ({ prompts, ...settings }) => {
      calls.push(settings)
      return Promise.resolve(
        prompts.map(({ text, images }) =>
          Array.from({ length: settings.samples ?? 1 }, (_, n) => ({
            text: `${text}|${images.join()}|${n}`,
            ids: [1, 2, 3],
            finishReason: 'stop' as const,
          })),
        ),
      )
    },
  }
  return { vlm, calls }
}

test('requests go through a model in one run, images encoded first', async () => {
  const { vlm, calls } = fakeVlm()
  const adapter = { parameters: Float32Array.of(1, 2) }
  const answers = await vlmAnswerer(vlm, { adapter }).answer(
    [
      { prompt: 'p', images: ['a.png', Uint8Array.of(7)], system: 's', seed: [1, 2] },
      { prompt: 'q', images: [] },
    ],
    { maxNewTokens: 5, samples: 2, temperature: 0.5, topP: 0.9 },
  )
  expect(answers).toEqual([
    [0, 1].map((n) => ({ text: `s|p|encoded a.png,encoded 7|${n}`, tokens: 3, finishReason: 'stop' })),
    [0, 1].map((n) => ({ text: `|q||${n}`, tokens: 3, finishReason: 'stop' })),
  ])
  expect(calls).toEqual([
    { seeds: [[1, 2], 0], adapter, samples: 2, temperature: 0.5, topP: 0.9, maxNewTokens: 5 },
  ])
})

test('answers are greedy unless asked otherwise', async () => {
  const { vlm, calls } = fakeVlm()
  await vlmAnswerer(vlm).answer([{ prompt: 'p', images: [] }], { maxNewTokens: 5 })
  expect(calls).toMatchObject([{ temperature: 0, maxNewTokens: 5 }])
})

test('the identity changes with the parameters of the adapter', () => {
  const { vlm } = fakeVlm()
  const adapter = { parameters: Float32Array.of(1, 2) }
  const answerer = vlmAnswerer(vlm, { adapter, name: 'org/model' })
  expect(answerer.name).toBe('org/model')
  expect(vlmAnswerer(vlm)).toMatchObject({ name: 'Qwen/Tiny' })
  const before = answerer.identity?.()
  expect(answerer.identity?.()).toEqual(before)
  adapter.parameters[1] = 3
  expect(answerer.identity?.()).not.toEqual(before)
  expect(vlmAnswerer(vlm).identity?.()).toEqual({ folder: '/models/Qwen/Tiny', adapter: null })
})
