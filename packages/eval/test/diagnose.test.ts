import type { SampleOptions } from '@evolmm/vlm'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { diagnose } from '../src/diagnostics/diagnose'
import { taskQuestions, type Question } from '../src/diagnostics/questions'
import { fileTask } from '../src/file-task'
import type { Task } from '../src/task'
import { fakeSampler, type Settings } from './support/fake-sampler'
import { writeSums } from './support/sums'

/** A question whose answers are written in its prompt: greedy; drawn; blind. The right one is "r". */
function scripted(prompt: string, known = true): Question {
  return {
    prompt,
    images: ['a.png'],
    judge: (text) => ({ key: text === '?' ? null : text, right: known ? text === 'r' : null }),
  }
}

const reader = fakeSampler({
  say: ({ prompt, images }, sample, { temperature }) => {
    const [greedy, drawn, blind] = prompt.split(';')
    if (images.length === 0) return blind
    return temperature === 0 ? greedy : drawn[sample]
  },
})

test('the numbers of a diagnosis are those counted by hand', async () => {
  const questions = ['r;rrra;r', 'a;rabb;a', 'a;rr?a;b', 'r;aaaa;c'].map((script) => scripted(script))
  const diagnosis = await diagnose({ questions, sampler: reader, samples: 4, batch_size: 3 })
  expect(diagnosis).toMatchObject({ questions: 4, known: 4, greedy: 2 / 4 })
  const [one, two, four] = diagnosis.groups
  expect([one.k, two.k, four.k]).toEqual([1, 2, 4])
  // Right samples: 3, 1, 2 and 0 of 4.
  expect(one.pass).toBeCloseTo((3 + 1 + 2 + 0) / 16, 12)
  expect(two.pass).toBeCloseTo((6 + 3 + 5 + 0) / 24, 12)
  expect(four.pass).toBeCloseTo(3 / 4, 12)
  expect(four.passMinusGreedy).toBeCloseTo(1 / 4, 12)
  expect(one.majority).toBeCloseTo(one.pass ?? NaN, 12)
  // All four: r wins, b wins, r wins, a wins.
  expect(four.majority).toBeCloseTo(2 / 4, 12)
  expect(diagnosis.agreement).toBeCloseTo((3 / 4 + 2 / 4 + 2 / 4 + 4 / 4) / 4, 12)
  expect(diagnosis.calibration?.bins).toEqual([
    { low: 0.5, high: 0.6, questions: 2, agreement: 0.5, accuracy: 0.5 },
    { low: 0.7, high: 0.8, questions: 1, agreement: 0.75, accuracy: 1 },
    { low: 0.9, high: 1, questions: 1, agreement: 1, accuracy: 0 },
  ])
  // Of right ones 0.75 and 0.5, of wrong ones 0.5 and 1: 1 + 0 + 1/2 + 0 pairs of 4.
  expect(diagnosis.calibration?.auc).toBe(1.5 / 4)
  expect(diagnosis.blind).toMatchObject({
    accuracy: 1 / 4,
    gap: { rows: 4, first: 1 / 4, second: 2 / 4, difference: 1 / 4, wins: 1, losses: 0, signTest: 1 },
    sameAnswer: 2 / 4,
  })
})

test('without known answers there is agreement and sameness, and nothing about being right', async () => {
  const questions = [scripted('a;aab;a', false), scripted('b;abc;a', false)]
  const diagnosis = await diagnose({ questions, sampler: reader, samples: 3 })
  expect(diagnosis).toEqual({
    questions: 2,
    known: 0,
    greedy: null,
    groups: [1, 2].map((k) => ({ k, pass: null, passMinusGreedy: null, majority: null })),
    agreement: (2 / 3 + 1 / 3) / 2,
    calibration: null,
    blind: { accuracy: null, gap: null, sameAnswer: 1 / 2 },
  })
})

test('questions with a right answer that nobody knows do not count as wrong', async () => {
  const questions = [scripted('r;rr;r'), scripted('r;aa;r', false)]
  const { known, greedy, groups, agreement } = await diagnose({
    questions,
    sampler: reader,
    samples: 2,
    k: [2],
  })
  expect({ known, greedy, groups, agreement }).toEqual({
    known: 1,
    greedy: 1,
    groups: [{ k: 2, pass: 1, passMinusGreedy: 0, majority: 1 }],
    agreement: 1,
  })
})

test('rows of a task are questions, asked greedily, drawn and blind', async () => {
  const task = fileTask({ file: writeSums(temporaryFolder(), 9), scorer: 'exact' })
  const calls: [number, boolean, Settings][] = []
  const sampler = fakeSampler({
    onSample: (requests, settings) => {
      calls.push([requests.length, requests.every(({ images }) => images.length === 0), settings])
    },
  })
  const seen: number[] = []
  const diagnosis = await diagnose({
    questions: taskQuestions(task, { offset: 1, limit: 6, seed: 3 }),
    sampler,
    samples: 2,
    temperature: 0.7,
    top_p: 0.9,
    max_new_tokens: 9,
    batch_size: 4,
    onProgress: (questions) => seen.push(questions),
  })
  // Rows 1 to 6, of which 3 and 6 are wrong in every way.
  expect(diagnosis).toMatchObject({ questions: 6, known: 6, greedy: 4 / 6, agreement: 1 })
  expect(diagnosis.blind).toMatchObject({ gap: { difference: 0 }, sameAnswer: 1 })
  expect(seen).toEqual([4, 6])
  const greedy = { maxNewTokens: 9, temperature: 0 }
  const drawn = { maxNewTokens: 9, temperature: 0.7, topP: 0.9, samples: 2 }
  expect(calls).toEqual([
    [4, false, greedy],
    [4, false, drawn],
    [4, true, greedy],
    [2, false, greedy],
    [2, false, drawn],
    [2, true, greedy],
  ])
})

test('the blind questions can be left out', async () => {
  const diagnosis = await diagnose({
    questions: [scripted('r;r;')],
    sampler: reader,
    samples: 1,
    blind: false,
  })
  expect(diagnosis).not.toHaveProperty('blind')
})

test('a task that leaves a row unscored leaves its question unknown', async () => {
  const task: Task = {
    ...fileTask({ file: writeSums(temporaryFolder(), 2), scorer: 'exact' }),
    score: (row) => ({ values: { accuracy: row.answer === '1' ? null : 0.5 } }),
  }
  const diagnosis = await diagnose({ questions: taskQuestions(task), sampler: fakeSampler(), samples: 1 })
  expect(diagnosis).toMatchObject({ questions: 2, known: 1, greedy: 1, blind: { sameAnswer: 0 } })
})

test('an abort stops a diagnosis between two batches', async () => {
  const controller = new AbortController()
  const running = diagnose({
    questions: [scripted('r;r;r'), scripted('r;r;r')],
    sampler: reader,
    samples: 1,
    batch_size: 1,
    signal: controller.signal,
    onProgress: () => {
      controller.abort(new Error('enough'))
    },
  })
  await expect(running).rejects.toThrow('enough')
})

test.each([{ questions: [] }, { samples: -1 }, { k: [3] }, { k: [0] }, { batch_size: 0 }, { batchSize: 2 }])(
  'a diagnosis with %o is refused',
  async (wrong) => {
    const running = diagnose({ questions: [scripted('r;rr;r')], sampler: reader, samples: 2, ...wrong })
    await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  },
)

test('a sampler that gives other numbers of answers is refused', async () => {
  const single = {
    ...reader,
    sample: async (options: SampleOptions) => reader.sample({ ...options, samples: 1 }),
  }
  const running = diagnose({ questions: [scripted('r;rr;r')], sampler: single, samples: 2 })
  await expect(running).rejects.toMatchObject({ code: 'ANSWER_COUNT' })
})
