/** What a page shows of a run: examples of records, whatever a model wrote, and whatever a log holds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf, readLog, runLog } from '@evolmm/runs'
import { afterAll, expect, test } from 'vitest'
import { mstar, type ExampleRecord, type MstarRecord, type RolledAnswer } from '../src'
import { examplesOf } from '../src/examples'
import type { AnsweredQuestions } from '../src/kept-places'

const folder = mkdtempSync(join(tmpdir(), 'evolmm-mstar-page-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const answer = (text: string, more: Partial<RolledAnswer> = {}): RolledAnswer => ({
  ...{ text, ids: Int32Array.of(1), logProbabilities: new Float32Array(1), count: 1, reading: '7' },
  ...{ right: true, steps: null, ...more },
})

const source = (answers: readonly RolledAnswer[], images: readonly string[], isVoted = false) =>
  ({
    isVoted,
    rollouts: { length: 1, at: () => Promise.resolve({ question: 5, answers }) },
    questions: {
      at: (number: number) =>
        Promise.resolve({
          ...{ number, question: 'How many?', options: ['six', 'seven'], images },
          ...{ answers: isVoted ? null : ['B', '7'], kind: null, source: null },
        }),
    },
  }) as unknown as AnsweredQuestions

const record = (more: Partial<MstarRecord>): MstarRecord => ({
  ...{ step: 1, loss: 1, learningRate: 0, gradientNorm: 1, skipped: false, images: 1, answers: 1, tokens: 1 },
  ...{ seconds: 1, cycle: 3, temperature: 0.7, generated: null, dynamics: null, sweep: null },
  phases: { generate: 0, monitor: 0, sweep: 0 },
  ...more,
})

/** The record as it comes back from a log. */
async function logged(one: MstarRecord): Promise<MstarRecord> {
  const log = runLog(mstar)
  await log.start({ name: 'run', folder, config: {}, totalSteps: 1, startStep: 0, probe: null })
  await log.log(entryOf(mstar, one))
  await log.finish({ step: 1, status: 'finished' })
  return read()
}

async function read(): Promise<MstarRecord> {
  for await (const one of readLog(folder, mstar)) return one
  throw new Error('no record')
}

const answers = [
  answer('Read 2.\nRead 5.\nIt is 7.', { count: 3, steps: [0.9, 0.25, 0.8] }),
  answer('NaN\nIt is 7.', { steps: [0.2, 0.1] }),
  answer('It is 8.', { right: false, reading: '8', count: 4, steps: [0.5] }),
  answer('It', { right: false, reading: null }),
]

test('a question has its answers by what became of them, each step with its score', async () => {
  const examples = await examplesOf(
    [source(answers, ['/pictures/a.png'])],
    [{ source: 0, place: 0, answer: 0 }],
    'lines',
  )
  const back = await logged(record({ examples }))
  expect(back.examples).toEqual(examples)
  expect(mstar.page?.gallery?.pictures(back)).toEqual([{ key: '5', isApart: false }])
  const steps = (...all: [string, number | null][]) => all.map(([text, score]) => ({ text, score }))
  expect(mstar.page?.gallery?.moment(back, 0)).toEqual({
    ...{ path: '/pictures/a.png', name: 'question 5, a.png', when: 'cycle 3, temperature 0.7' },
    ...{ question: 'How many?\n(A) six\n(B) seven', expected: 'Right: B or 7', apart: null },
    graded: [
      {
        ...{ title: 'Kept', mark: '✓', tone: 'first', drawn: 3, distinct: 1 },
        answers: [
          {
            ...{ title: 'says 7, drawn 3 times, score 0.25', leftOut: 0 },
            steps: steps(['Read 2.', 0.9], ['Read 5.', 0.25], ['It is 7.', 0.8]),
          },
        ],
      },
      {
        ...{ title: 'Right, not kept', mark: '○', tone: 'probe', drawn: 1, distinct: 1 },
        answers: [
          // A text that looks like a number in a log stays a text.
          {
            title: 'says 7, drawn once, score 0.10',
            leftOut: 0,
            steps: steps(['NaN', 0.2], ['It is 7.', 0.1]),
          },
        ],
      },
      {
        ...{ title: 'Wrong', mark: '✗', tone: 'second', drawn: 5, distinct: 2 },
        answers: [
          { title: 'says 8, drawn 4 times, score 0.50', leftOut: 0, steps: steps(['It is 8.', 0.5]) },
          { title: 'cannot be read, drawn once', leftOut: 0, steps: steps(['It', null]) },
        ],
      },
    ],
  })
})

// By score, 7 has 3 x 0.25 + 0.1, and 8 has 4 x 0.5.
test('a question of which nothing is kept is set apart, with the reason; a vote is called one', async () => {
  const wrong = answers.map((one) => ({ ...one, right: false }))
  const [none, low, voted] = [
    await examplesOf([source(wrong, [])], [], 'lines'),
    await examplesOf([source(answers, [])], [], 'lines'),
    await examplesOf([source(answers, []), source(answers, [], true)], [], 'lines'),
  ]
  const moment = (examples: readonly ExampleRecord[], i: number) =>
    mstar.page?.gallery?.moment(record({ examples }), i)
  expect(moment(none, 0)).toMatchObject({ path: null, apart: 'Nothing was kept: no answer is right.' })
  expect(moment(low, 0)?.apart).toMatch('no right answer has scores that are high enough')
  expect(moment(voted, 1)).toMatchObject({
    ...{ name: 'question 5 without an answer', expected: 'Taken for right, by vote: 8' },
  })
  expect(mstar.page?.gallery?.pictures(record({ examples: voted })).map(({ key }) => key)).toEqual([
    '5',
    'further 5',
  ])
})

test('what a record holds is bounded, and the final answer is in it', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${'😀"'.repeat(200)}`)
  const long = answer(`${lines.join('\n')}\nThe answer is 7.`, { steps: null })
  const some = Array.from({ length: 40 }, (_, i) => ({ ...long, count: i + 1, right: i < 30 }))
  const examples = await examplesOf([source(some, [])], [], 'lines')
  expect(JSON.stringify(examples).length).toBeLessThan(50_000)
  const [{ left, wrong }] = examples
  expect([left.distinct, wrong.distinct]).toEqual([30, 10])
  for (const { steps, leftOut } of [...left.answers, ...wrong.answers]) {
    expect(steps.length + leftOut).toBe(5001)
    expect(steps.at(-1)?.text).toBe('The answer is 7.')
    for (const { text } of steps) expect(text).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/)
  }
})

test('a search has its points and what was chosen', () => {
  const sweep = [0.3, 0.7].map((temperature) => ({ temperature, score: temperature / 2 }))
  expect(mstar.page?.sweeps?.of(record({ sweep }))).toEqual({
    ...{ title: 'Before cycle 3: 0.7', chosen: 0.7 },
    points: [
      { at: 0.3, value: 0.15 },
      { at: 0.7, value: 0.35 },
    ],
  })
  expect(mstar.page?.sweeps?.of(record({}))).toBeNull()
})

test('a log of before has no examples; one with others than whole ones is damaged', async () => {
  const file = join(folder, 'mstar_log.jsonl')
  const whole = record({})
  const write = (line: object) => {
    writeFileSync(file, `${JSON.stringify(line)}\n`)
  }
  write(whole)
  expect((await read()).examples ?? null).toBeNull()
  const damaged: object[] = [
    { examples: 5 },
    { examples: [{}] },
    { examples: [{ question: 1, image: null, text: 7, answer: null }] },
    { dynamics: {} },
    { dynamics: { greedy: 1, pass: { '1': 'many' } } },
    { sweep: [{ temperature: '<b>' }] },
    { generated: { answers: 'many' } },
    { phases: null },
  ]
  for (const part of damaged) {
    write({ ...whole, ...part })
    await expect(read(), JSON.stringify(part)).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
  }
})
