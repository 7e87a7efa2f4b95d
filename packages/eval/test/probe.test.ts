import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import type { SampleOptions } from '@evolmm/vlm'
import type { SampleRequest } from '../src/ask'
import { fileTask } from '../src/file-task'
import { probe, type ProbeItem } from '../src/probe'
import { fakeSampler, type Settings } from './support/fake-sampler'

/** Says what stands in the question: greedy; drawn, one after the other; blind. */
const reader = fakeSampler({
  say: ({ prompt, images }, sample, { temperature }) => {
    const [greedy, drawn, blind] = prompt.split('\n')[0].split(';')
    if (images.length === 0) return blind
    return temperature === 0 ? greedy : drawn[sample]
  },
})

const items: ProbeItem[] = ['r;rrra;r', 'a;rabb;a', 'a;rrbb;b', 'r;aaaa;c'].map((question) => ({
  image: 'a.png',
  question,
  answer: 'r',
}))

test('a probe of items is the accuracy that one counts', async () => {
  expect(await probe({ sampler: reader, items })).toEqual({ questions: 4, accuracy: 2 / 4 })
  expect(await probe({ sampler: reader, items, limit: 1 })).toEqual({ questions: 1, accuracy: 1 })
})

test('with samples there is what drawing finds, with blind what looking adds', async () => {
  // Right samples: 3, 1, 2 and 0 of 4; votes r, b, a tie of r and b, a.
  expect(await probe({ sampler: reader, items, samples: 4, blind: true, batch_size: 3 })).toEqual({
    questions: 4,
    accuracy: 2 / 4,
    sampled: 6 / 16,
    pass: 3 / 4,
    majority: 1.5 / 4,
    agreement: (3 / 4 + 2 / 4 + 2 / 4 + 4 / 4) / 4,
    blind: 1 / 4,
    blindGap: 1 / 4,
  })
  const one = await probe({ sampler: reader, items, samples: 1 })
  expect(one).toMatchObject({ sampled: 3 / 4, pass: 3 / 4, agreement: 1 })
})

test('questions without a right answer have agreement alone', async () => {
  const unknown = [
    { ...items[0], answer: undefined },
    { ...items[1], answer: null },
  ]
  expect(await probe({ sampler: reader, items: unknown, samples: 4, blind: true })).toEqual({
    questions: 2,
    known: 0,
    accuracy: null,
    sampled: null,
    pass: null,
    majority: null,
    agreement: (3 / 4 + 2 / 4) / 2,
    blind: null,
    blindGap: null,
  })
})

test('items are asked as they are: images, options, tokens, and the same seeds every time', async () => {
  const calls: [SampleRequest, Settings][] = []
  const sampler = fakeSampler({
    say: () => '2',
    onSample: ([request], settings) => void calls.push([request, settings]),
  })
  const bytes = Uint8Array.of(1)
  const item: ProbeItem = { image: [bytes, 'b.png'], question: 'Which?', options: ['1', '2'], answer: 'B' }
  const run = () =>
    probe({
      sampler,
      items: [item],
      scorer: 'choice',
      samples: 2,
      temperature: 0.5,
      max_new_tokens: 9,
      seed: 7,
    })
  expect(await run()).toMatchObject({ accuracy: 1, sampled: 1 })
  expect(calls).toMatchObject([
    [
      {
        prompt: "Which?\nA. 1\nB. 2\nAnswer with the option's letter from the given choices directly.",
        images: [bytes, 'b.png'],
        seed: [7, 0],
      },
      { temperature: 0, maxNewTokens: 9 },
    ],
    [{ seed: [7, 0] }, { temperature: 0.5, samples: 2 }],
  ])
  const before = calls.splice(0)
  await run()
  expect(calls).toEqual(before)
  expect(await probe({ sampler, items: [{ image: 'a.png', question: 'q', answer: [1, 2] }] })).toEqual({
    questions: 1,
    accuracy: 1,
  })
})

test('a probe of a task asks its first rows with its tokens', async () => {
  const file = join(temporaryFolder(), 'own.jsonl')
  writeFileSync(file, items.map((item) => `${JSON.stringify(item)}\n`).join(''))
  const task = fileTask({ file, scorer: 'exact', maxNewTokens: 5 })
  const tokens = new Set<number | undefined>()
  const sampler = {
    ...reader,
    sample: (options: SampleOptions) => {
      tokens.add(options.maxNewTokens)
      return reader.sample(options)
    },
  }
  expect(await probe({ sampler, task, limit: 3, samples: 4 })).toMatchObject({
    questions: 3,
    accuracy: 1 / 3,
    sampled: 6 / 12,
  })
  expect(await probe({ sampler, task, limit: 0.5 })).toMatchObject({ questions: 2 })
  expect([...tokens]).toEqual([5])
})

test.each([
  [{}],
  [{ items: [] }],
  [{ items, task: fileTask({ file: 'a.jsonl', scorer: 'exact' }) }],
  [{ items, samples: -1 }],
  [{ items, scorer: 'best' as never }],
  [{ items, limit: 0 }],
])('the probe %# is refused', async (wrong) => {
  await expect(probe({ sampler: reader, ...wrong })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
