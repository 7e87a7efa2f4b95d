/** Answers of a policy that are counted, verified, kept on disk, and labelled step by step. */
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { EvolmmError, type Completion, type Prompt, type SampleOptions } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { generate, labelSteps, openRollouts, type NumberedQuestion, type Rollout } from '../src'

/** A token is a character, and 0 the end of an answer. */
const tokenizer = {
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => (id === 0 ? '' : String.fromCodePoint(id))).join(''),
  token: (id: number) => (id === 0 ? '<end>' : String.fromCodePoint(id)),
  isSpecial: (id: number) => id === 0,
}

const idsOf = (text: string, ended = true) =>
  Int32Array.from([...Array.from(text, (letter) => letter.codePointAt(0) ?? 0), ...(ended ? [0] : [])])

function completion(text: string, finishReason: Completion['finishReason'] = 'stop'): Completion {
  const ids = idsOf(text, finishReason === 'stop')
  const logProbabilities = Float32Array.from(ids, (_, i) => -0.1 * (i + 1))
  return { ids, text, finishReason, logProbabilities, sampledLogProbabilities: logProbabilities }
}

const prompt = (text: string): Prompt => ({
  ...{ messages: undefined, text, ids: idsOf(text, false), delta: 0, imageSpans: [], images: [] },
  positions: Int32Array.from(text, (_, i) => i),
})

/** A policy that says what `say` says of a text, for each of the samples. */
function policy(say: (text: string, options: SampleOptions, place: number) => Completion[]) {
  const calls: SampleOptions[] = []
  return {
    calls,
    sampler: {
      tokenizer,
      encodeImage: (source: unknown) => Promise.resolve({ source } as never),
      prompt: (options: { prompt?: string | undefined }) => prompt(options.prompt ?? ''),
      sample: (options: SampleOptions) => {
        calls.push(options)
        return Promise.resolve(options.prompts.map(({ ids }, i) => say(tokenizer.decode(ids), options, i)))
      },
    },
  }
}

const question = (number: number, more: Partial<NumberedQuestion> = {}): NumberedQuestion => ({
  ...{ number, question: `Q${number}`, answers: ['7'], options: [], images: [], kind: null, source: null },
  ...more,
})

async function collect(groups: AsyncIterable<Rollout[]>): Promise<Rollout[][]> {
  const all: Rollout[][] = []
  for await (const group of groups) all.push(group)
  return all
}

test('answers are asked some questions at a time, equal ones are one, and each is verified', async () => {
  const { sampler, calls } = policy((text) => [
    completion(`${text}: The answer is 7.`),
    completion('The answer is 5.'),
    completion(`${text}: The answer is 7.`),
    completion('The answer is 7', 'length'),
    completion('I do not know'),
  ])
  const questions = [
    question(3),
    question(4, { answers: null }),
    question(9, { options: ['5', '7'], answers: ['B'] }),
  ]
  const batches = await collect(
    generate({
      ...{ sampler, questions, batch: 2, samples: 5, temperature: 0.7 },
      promptFor: ({ question: text }) => `Think. ${text}`,
      seedOf: ({ number }) => [1, number],
    }),
  )
  expect(batches.map((batch) => batch.map((rollout) => rollout.question))).toEqual([[3, 4], [9]])
  expect(calls.map(({ seeds, samples, temperature }) => ({ seeds, samples, temperature }))).toEqual([
    {
      seeds: [
        [1, 3],
        [1, 4],
      ],
      samples: 5,
      temperature: 0.7,
    },
    { seeds: [[1, 9]], samples: 5, temperature: 0.7 },
  ])
  const [first, unlabelled, choice] = batches
    .flat()
    .map(({ answers }) => answers.map(({ text, count, reading, right }) => ({ text, count, reading, right })))
  expect(first).toEqual([
    { text: 'Think. Q3: The answer is 7.', count: 2, reading: '7', right: true },
    { text: 'The answer is 5.', count: 1, reading: '5', right: false },
    { text: 'The answer is 7', count: 1, reading: null, right: false },
    { text: 'I do not know', count: 1, reading: null, right: false },
  ])
  expect(unlabelled.map(({ reading, right }) => [reading, right])).toEqual([
    ['7', null],
    ['5', null],
    [null, null],
    [null, null],
  ])
  expect(choice.map(({ reading, right }) => [reading, right])).toEqual([
    ['B', true],
    ['A', false],
    [null, false],
    [null, false],
  ])
})

test('a batch that memory has no room for is asked in parts, with the same answers', async () => {
  const { sampler, calls } = policy((text) => [completion(text)])
  const sample = sampler.sample
  sampler.sample = (options) => {
    if (options.prompts.length > 2) return Promise.reject(new EvolmmError('MEMORY_EXCEEDED', 'no room'))
    return sample(options)
  }
  const questions = [0, 1, 2, 3, 4].map((number) => question(number))
  const options = {
    sampler,
    questions,
    batch: 5,
    samples: 1,
    promptFor: (one: NumberedQuestion) => one.question,
  }
  const [batch] = await collect(generate({ ...options, seedOf: ({ number }) => number }))
  expect(batch.map(({ answers }) => answers[0].text)).toEqual(['Q0', 'Q1', 'Q2', 'Q3', 'Q4'])
  expect(calls.map(({ seeds }) => seeds)).toEqual([[0, 1], [2], [3, 4]])
})

const answer = (text: string, right: boolean | null) => {
  const { ids, logProbabilities } = completion(text)
  return { ids, text, logProbabilities, count: 1, reading: '7', right, steps: [0.25, 1] }
}

const rollouts: Rollout[] = [0, 1, 2].map((number) => ({
  question: 10 * number,
  answers: [
    answer(`First ${number}.\nThe answer is 7.`, true),
    { ...answer('é日', null), steps: null, reading: null },
  ],
}))

const head = { cycle: 1, policy: 'abc', temperature: 0.7 }

test('rollouts come back from disk as they were, in any order, and go on behind what is there', async () => {
  const file = join(temporaryFolder(), 'rollouts.jsonl')
  const opened = await openRollouts(file, head)
  await opened.append(rollouts.slice(0, 2))
  await opened.close()
  const again = await openRollouts(file, head)
  expect(again.length).toBe(2)
  await again.append(rollouts.slice(2))
  for (const place of [2, 0, 1]) expect(await again.at(place)).toEqual(rollouts[place])
  await expect(again.at(3)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await again.close()
})

test('wherever a file was cut, whole lines are kept, and it ends with the bytes of one that was not cut', async () => {
  const file = join(temporaryFolder(), 'rollouts.jsonl')
  const write = async () => {
    const opened = await openRollouts(file, head)
    await opened.append(rollouts.slice(opened.length))
    await opened.close()
    return readFileSync(file)
  }
  const whole = await write()
  const lines = [...whole.keys()].filter((at) => whole[at] === 10).map((at) => at + 1)
  for (let size = 0; size <= whole.length; size += 7) {
    truncateSync(file, size)
    const opened = await openRollouts(file, head)
    expect(opened.length).toBe(Math.max(0, lines.filter((end) => end <= size).length - 1))
    await opened.close()
    expect((await write()).equals(whole)).toBe(true)
  }
})

test('what is of another policy begins anew; what is no rollout is refused, and left as it is', async () => {
  const file = join(temporaryFolder(), 'rollouts.jsonl')
  const opened = await openRollouts(file, head)
  await opened.append(rollouts)
  await opened.close()
  const other = await openRollouts(file, { ...head, policy: 'def' })
  expect(other.length).toBe(0)
  await other.append(rollouts.slice(0, 1))
  await other.close()
  const good = readFileSync(file, 'utf8').split('\n')
  const line = JSON.parse(good[1]) as { answers: Record<string, unknown>[] }
  const broken = [
    '7',
    '{}',
    JSON.stringify({ answers: line.answers }),
    ...[
      { ids: [1.5] },
      { ids: [-1] },
      { log_probabilities: 'AAA=' },
      { right: 'yes' },
      { steps: [null] },
      { count: -1 },
    ].map((more) => JSON.stringify({ question: 0, answers: [{ ...line.answers[0], ...more }] })),
  ]
  for (const bad of broken) {
    writeFileSync(file, good.join('\n'))
    appendFileSync(file, `${bad}\n`)
    const { size } = statSync(file)
    await expect(openRollouts(file, { ...head, policy: 'def' })).rejects.toMatchObject({
      code: 'INVALID_ROLLOUTS',
      message: expect.stringContaining(`${file}:3: must be the answers to a question`) as string,
    })
    expect(statSync(file).size).toBe(size)
  }
})

test('a step is worth the share of completions from its end that come to the right answer', async () => {
  const { sampler, calls } = policy((text, { samples = 1 }) =>
    Array.from({ length: samples }, (_, n) =>
      // After the first step three of four go right, of which one does not end; after the wrong one none does.
      completion(
        n === 3 || text.includes('9') ? 'The answer is 5.' : 'The answer is 7.',
        n === 0 ? 'length' : 'stop',
      ),
    ),
  )
  const answers = [
    answer('Read 2.\nRead 5.\nThe answer is 7.', true),
    answer('Read 9.\nThe answer is 5.', false),
  ]
  const labels = await labelSteps({
    ...{ sampler, prompt: prompt('Q: '), question: question(0), answers, completions: 4, temperature: 1 },
    seedOf: (a, s) => [a, s],
  })
  expect(labels).toEqual([
    [
      { end: 8, value: 0.5 },
      { end: 16, value: 0.5 },
      { end: 32, value: 1 },
    ],
    [
      { end: 8, value: 0 },
      { end: 24, value: 0 },
    ],
  ])
  expect(calls).toHaveLength(1)
  expect(calls[0].seeds).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
  ])
  expect(calls[0].prompts.map(({ ids }) => tokenizer.decode(ids))).toEqual([
    'Q: Read 2.\n',
    'Q: Read 2.\nRead 5.\n',
    'Q: Read 9.\n',
  ])
  expect(calls[0].prompts.map(({ positions }) => positions.at(-1))).toEqual([10, 18, 10])
})

test('answers of one step are labelled without a sample', async () => {
  const { sampler, calls } = policy(() => [])
  const labels = await labelSteps({
    ...{
      sampler,
      prompt: prompt('Q: '),
      question: question(0),
      answers: [answer('7', true), answer('5', false)],
    },
    seedOf: () => 0,
  })
  expect(labels).toEqual([[{ end: 1, value: 1 }], [{ end: 1, value: 0 }]])
  expect(calls).toEqual([])
})
