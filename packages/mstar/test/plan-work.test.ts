/** What a run will ask and write, against the paper's numbers, hand computation and files as they are written. */
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolve } from '@evolmm/settings'
import { afterAll, expect, test } from 'vitest'
import {
  assumeQuestions,
  mstarSettings,
  openRollouts,
  planWork,
  surveyQuestions,
  type MstarGiven,
} from '../src'
import { answerBytes } from '../src/plan-work'

const home = mkdtempSync(join(tmpdir(), 'evolmm-work-'))
afterAll(() => {
  rmSync(home, { recursive: true })
})

const settings = (given: MstarGiven = {}) =>
  resolve(mstarSettings, { model: 'm', data: 'd', output_dir: 'o', use_lora: true, ...given })
const work = (
  given: MstarGiven,
  counts: { questions: number; validation?: number; unlabelled?: number; right?: number },
) => planWork({ settings: settings(given), parameters: 1000, weights: 10_000, vocabulary: 32_000, ...counts })
const scored = { reward_model: 'r', selection: 'top-k', select_k: 2, validation: 'v' } as const

test("the paper's run: 45,000 questions a cycle, two kept of each, and a choice of the temperature every two cycles", () => {
  const { cycles, kept, answers, disk } = work(
    { ...scored, adaptive_temperature: true },
    { questions: 180_000, validation: 250 },
  )
  // 90,000 answers are 704 steps of 128: fourteen cycles make 9,856 of 10,000.
  expect([kept, Math.ceil(kept / 128), cycles]).toEqual([90_000, 704, 15])
  // A choice is 56,000 answers, and comes before the cycles 3, 5, … 15.
  expect(answers).toEqual({ generate: 15 * 720_000, monitor: 15 * 250 * 17, sweep: 7 * 56_000 })
  // Two checkpoints and the one that is being written: parameters and two moments of four bytes.
  expect([disk.checkpoints, disk.model]).toEqual([3 * 12 * 1000, 4 * 1000])
})

test.each<[string, MstarGiven, Parameters<typeof work>[1], object]>([
  ['all right answers', {}, { questions: 100, right: 0.25 }, { kept: 25 * 16 * 0.25, most: 25 * 16 }],
  ['not more than there are', { ...scored, select_k: 8 }, { questions: 100, right: 0.25 }, { kept: 25 * 4 }],
  ['some by chance', { most_lessons: 7 }, { questions: 100 }, { kept: 7, most: 7 }],
  [
    'bare answers, of which none is generated',
    { variant: 'sft', total_steps: 3, batch_size: 10, interval: 20 },
    { questions: 100 },
    { kept: 20, cycles: 2, answers: { generate: 0, monitor: 0, sweep: 0 } },
  ],
  [
    'questions without labels from half of the steps on',
    {
      unlabelled: 'u',
      unlabelled_from: 0.5,
      total_steps: 4,
      batch_size: 80,
      num_generations: 8,
      interval: 0.2,
    },
    { questions: 100, unlabelled: 50 },
    // 80 answers a step and a cycle; then 120, which are two steps.
    { cycles: 3, answers: { generate: 8 * (20 + 20 + 30), monitor: 0, sweep: 0 } },
  ],
  [
    'a threshold that is chosen on validation answers, before the first cycle too',
    { reward_model: 'r', selection: 'threshold', validation: 'v', total_steps: 1, num_generations: 4 },
    { questions: 100, validation: 10 },
    { cycles: 1, answers: { generate: 100, monitor: 10 * 5 + 10 * 4, sweep: 0 } },
  ],
])('%s', (_, given, counts, expected) => {
  expect(work(given, counts)).toMatchObject(expected)
})

test('an answer takes about as many bytes as it is planned to', async () => {
  const file = join(home, 'rollouts.jsonl')
  const text = 'The bar of May is at 42, and that of June at 17, so that together they are 59. '
  for (const [tokens, isScored] of [
    [40, true],
    [512, false],
  ] as const) {
    const rollouts = await openRollouts(file, { tokens })
    const before = statSync(file).size
    const answer = {
      ...{
        text: text.repeat(9 * tokens).slice(0, Math.round(4.5 * tokens)),
        count: 1,
        reading: '59',
        right: true,
      },
      ids: Int32Array.from({ length: tokens }, (_, i) => 10_000 + ((i * 7919) % 22_000)),
      logProbabilities: Float32Array.from({ length: tokens }, (_, i) => -Math.sqrt(i)),
      steps: isScored ? [0.123456789, 0.987654321] : null,
    }
    await rollouts.append([{ question: 1, answers: Array.from({ length: 16 }, () => answer) }])
    await rollouts.close()
    const ratio =
      answerBytes({ tokens, vocabulary: 32_000, isScored }) / ((statSync(file).size - before) / 16)
    expect(Math.abs(ratio - 1), `${tokens} tokens`).toBeLessThan(0.1)
  }
})

const picture = fileURLToPath(
  new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny/images/img0.png', import.meta.url),
)

test('a survey reads all questions and the headers of all pictures, and names a row that has none', async () => {
  copyFileSync(picture, join(home, 'a.png'))
  copyFileSync(picture, join(home, 'b.png'))
  const write = (name: string, rows: readonly object[]) => {
    writeFileSync(join(home, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return join(home, name)
  }
  const one = { question: 'How many?', answer: '6', image: 'a.png' }
  const data = write('data.jsonl', [
    one,
    { ...one, question: 'How many in both?', images: ['a.png', 'b.png'] },
  ])
  const validation = write('validation.jsonl', [{ ...one, question: 'Which?', options: ['red', 'blue'] }])
  const given = { data, validation, question_prompt: 'Q: {question}' }
  expect(await surveyQuestions(settings(given))).toEqual({
    ...{ questions: 2, validation: 1, unlabelled: 0 },
    ...{ longestPrompt: 'Q: Which?\n(A) red\n(B) blue', mostImages: 2, sizes: [{ width: 140, height: 112 }] },
  })
  // With the answer told, prompts are longer.
  const told = { ...given, give_answers: true, rationale_prompt: '{question} Because it is {answer}' }
  expect((await surveyQuestions(settings(told))).longestPrompt).toContain('Because it is')
  const broken = write('broken.jsonl', [one, { ...one, image: 'c.png' }])
  await expect(surveyQuestions(settings({ data: broken }))).rejects.toMatchObject({
    code: 'UNREADABLE_FILE',
    message: expect.stringContaining(`${broken}: question 2: must be about pictures`) as string,
  })
})

test('where no question is at hand, one of 80 words is assumed', () => {
  const { longestPrompt, ...rest } = assumeQuestions(settings({ question_prompt: '{question}' }), {
    questions: 5,
  })
  expect(longestPrompt.split(' ')).toHaveLength(80)
  expect(rest).toEqual({ questions: 5, validation: 0, unlabelled: 0, mostImages: 1 })
})
