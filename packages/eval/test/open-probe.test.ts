import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { openProbe } from '../src'
import { fakeSampler } from './support/fake-sampler'
import { someAdapter } from './support/some-adapter'

function questionsFile(rows: readonly object[]): string {
  const file = join(temporaryFolder(), 'held.jsonl')
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return file
}

const rows = ['1', '2', '3', '4'].map((answer) => ({ image: 'a.png', question: 'q', answer }))

test('a file is read once and measured as often as one likes, with the ends of intervals', async () => {
  const file = questionsFile(rows)
  const measure = await openProbe({ file, samples: 2 })
  writeFileSync(file, 'gone')
  const adapters: unknown[] = []
  const sampler = fakeSampler({ say: () => '3' })
  const policy = {
    adapter: someAdapter(1),
    sampler: {
      ...sampler,
      sample: (options: Parameters<typeof sampler.sample>[0]) => {
        adapters.push(options.adapter)
        return sampler.sample(options)
      },
    },
  }
  const numbers = await measure(policy)
  // By SciPy: binomtest(1, 4).proportion_ci(method='wilson'), whose z has more digits.
  expect(numbers).toEqual({
    questions: 4,
    accuracy: 1 / 4,
    accuracy_low: expect.closeTo(0.045587, 4) as number,
    accuracy_high: expect.closeTo(0.699358, 4) as number,
    sampled: 1 / 4,
    pass: 1 / 4,
    majority: 1 / 4,
    majority_low: numbers.accuracy_low,
    majority_high: numbers.accuracy_high,
    agreement: 1,
  })
  expect(new Set(adapters)).toEqual(new Set([policy.adapter]))
  expect(await measure(policy)).toEqual(numbers)
})

test('numbers that nobody knows are left out', async () => {
  const measure = await openProbe({ file: questionsFile(rows.map((row) => ({ ...row, answer: null }))) })
  expect(await measure({ sampler: fakeSampler() })).toEqual({ questions: 4, known: 0 })
})

test('intervals are those of the questions whose answer is known', async () => {
  const unknown = { ...rows[0], answer: null }
  const policy = { sampler: fakeSampler({ say: () => '3' }) }
  const numbers = async (...more: object[]) =>
    (await openProbe({ file: questionsFile([...rows, ...more]) }))(policy)
  expect(await numbers(unknown, unknown)).toEqual({ ...(await numbers()), questions: 6, known: 4 })
})

test('a policy may be asked and understood in its own way', async () => {
  const prompts = new Set<string>()
  const measure = await openProbe({
    file: questionsFile(rows),
    own: {
      prompt: (question) => `Now: ${question}`,
      judge: (text, answers) => ({ key: text, right: answers?.includes(text.slice(-1)) ?? null }),
    },
    limit: 2,
  })
  const sampler = fakeSampler({
    say: ({ prompt }) => {
      prompts.add(prompt)
      return 'so 2'
    },
  })
  expect(await measure({ sampler })).toMatchObject({ questions: 2, accuracy: 1 / 2 })
  expect([...prompts]).toEqual(['Now: q'])
})

test('a wrong line is refused when the file is opened', async () => {
  const file = questionsFile([...rows, { question: 'q' }])
  await expect(openProbe({ file })).rejects.toThrow(`${file}:5: answer: must be`)
})
