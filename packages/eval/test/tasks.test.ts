import { readdirSync, readFileSync } from 'node:fs'
import { EvolmmError } from '@evolmm/internal'
import { expect, test } from 'vitest'
import type { Judge, JudgeRequest } from '../src/judge'
import { findTasks, taskGroups, tasks } from '../src/tasks'
import { mathverseTestmini } from '../src/tasks/mathverse-testmini'
import { mathvistaTestminiCot } from '../src/tasks/mathvista-testmini'
import { mmbenchEnDev } from '../src/tasks/mmbench-en-dev'
import { mmmuVal } from '../src/tasks/mmmu-val'
import { mmstar } from '../src/tasks/mmstar'

/** A judge that gives these replies in turn; a code rejects. */
function fakeJudge(...replies: (string | { code: string })[]): Judge & { asked: JudgeRequest[] } {
  const asked: JudgeRequest[] = []
  return {
    name: 'fake',
    asked,
    ask: (request) => {
      const reply = replies[Math.min(asked.length, replies.length - 1)]
      asked.push(request)
      return typeof reply === 'string'
        ? Promise.resolve(reply)
        : Promise.reject(new EvolmmError(reply.code, 'judge: must reply, got nothing; try again'))
    },
  }
}

test('tasks are found by name and by group, each once', () => {
  expect(findTasks(['chartqa', 'mathvista_testmini', 'chartqa']).map((task) => task.name)).toEqual([
    'chartqa',
    'mathvista_testmini_cot',
    'mathvista_testmini_solution',
    'mathvista_testmini_format',
  ])
  expect(new Set(tasks.map((task) => task.name)).size).toBe(tasks.length)
  for (const group of taskGroups.values()) for (const task of group) expect(tasks).toContain(task)
})

test.each(['chartqas', '', 'toString', '__proto__'])(
  'the unknown task %j is one error that lists the known',
  (name) => {
    expect(() => findTasks([name])).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }) as Error)
    expect(() => findTasks([name])).toThrow('mmbench_en_dev, m3cot, mathvista_testmini')
  },
)

test('a row without its image is refused: no task runs blind unnoticed', () => {
  expect(() => mmstar.prompt({ question: 'q', answer: 'A' })).toThrow(
    expect.objectContaining({ code: 'IMAGE_MISSING' }) as Error,
  )
})

test('a literal <image> is deleted from the text, numbered ones are kept', () => {
  const image = new Uint8Array([1])
  expect(mmstar.prompt({ question: 'Is <image> red?', image }).text).toMatch(/^Is {2}red\?\n/)
  const row = { question: '<image 1>?', options: '[]', question_type: 'open', image_1: image }
  expect(mmmuVal.prompt(row).text).toMatch(/^<image 1>\?\n/)
})

test('mmmu_val: an answer without a letter is a drawn one or wrong, as asked, and always marked', async () => {
  const row = (id: number) => ({
    ...{
      id: `validation_Math_${id}`,
      question_type: 'multiple-choice',
      options: "['1', '2', '3', '4']",
      answer: 'B',
    },
  })
  const rows = Array.from({ length: 400 }, (_, id) => row(id))
  const drawn = await Promise.all(
    rows.map(async (one) => mmmuVal.score(one, 'no idea', { mode: 'fixed', seed: 3 })),
  )
  const share = mmmuVal.aggregate(drawn).mmmu_acc ?? NaN
  // A quarter, give or take four standard errors.
  expect(Math.abs(share - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 400))
  expect(drawn.every((score) => score.fallback)).toBe(true)
  const wrong = await mmmuVal.score(row(1), 'no idea', { mode: 'fixed', fallback: 'wrong' })
  expect(wrong).toMatchObject({ values: { mmmu_acc: 0 }, fallback: true, parsed: null })
  const asked = await mmmuVal.score(row(1), 'no idea', { mode: 'rule-based', fallback: 'random' })
  expect(asked.parsed).not.toBeNull()
})

const bench = { index: 5, question: 'What is it?', A: 'cat', B: 'dog', C: 'bird', D: 'fish', answer: 'B' }

test('mmbench_en_dev asks up to three times, and the cache can tell the questions apart', async () => {
  const judge = fakeJudge('hm', 'I think so', 'B')
  const score = await mmbenchEnDev.score(bench, 'woof', { mode: 'fixed', judge })
  expect(score).toMatchObject({ values: { gpt_eval_score: 1 }, fallback: false, parsed: 'B' })
  expect(judge.asked.map((request) => request.attempt)).toEqual([0, 1, 2])
  expect(judge.asked[0].user).toContain('What is it?')
  expect(judge.asked[0].user).toContain('Answer: woof')
})

test('mmbench_en_dev draws a letter after three replies without one, and marks it', async () => {
  const score = await mmbenchEnDev.score(bench, 'woof', { mode: 'fixed', judge: fakeJudge('hm') })
  expect(score.fallback).toBe(true)
  expect(['A', 'B', 'C', 'D', 'E']).toContain(score.parsed)
  const wrong = await mmbenchEnDev.score(bench, 'woof', {
    mode: 'fixed',
    judge: fakeJudge('hm'),
    fallback: 'wrong',
  })
  expect(wrong).toMatchObject({ values: { gpt_eval_score: 0 }, fallback: true, parsed: null })
})

test('mmbench_en_dev: a wrong rotation decides a question, an undecided one alone leaves it open', async () => {
  const score = (index: number, answer: string) =>
    mmbenchEnDev.score({ ...bench, index }, answer, { mode: 'fixed' })
  const wrong = await Promise.all([score(1, 'B'), score(1_000_001, 'woof'), score(2_000_001, 'A')])
  expect(mmbenchEnDev.aggregate(wrong)).toEqual({ gpt_eval_score: 0 })
  const open = await Promise.all([score(1, 'B'), score(1_000_001, 'woof')])
  expect(mmbenchEnDev.aggregate(open)).toEqual({ gpt_eval_score: null })
  expect(mmbenchEnDev.aggregate([await score(1_000_001, 'B')])).toEqual({ gpt_eval_score: null })
})

const vista = {
  ...{ question: 'How many?', query: 'Hint: a letter.\nQuestion: How many?', question_type: 'multi_choice' },
  ...{ answer_type: 'text', choices: ['5', '66', '777'], answer: '5' },
}

test('mathvista_testmini shows the judge query and response, and takes its reply for the answer', async () => {
  const judge = fakeJudge('C')
  const score = await mathvistaTestminiCot.score(vista, 'It must be the last.', { mode: 'fixed', judge })
  expect(score).toMatchObject({ values: { llm_as_judge_eval: 0 }, parsed: '777', fallback: false })
  expect(score.details?.judge_reply).toBe('C')
  expect(judge.asked[0].user).toContain('Question: How many?\n\nResponse: It must be the last.\n\nAnswer:')
  expect(judge.asked[0].maxTokens).toBe(256)
})

test('a judge that refuses a text gives no verdict: marked in compat, unscored in fixed', async () => {
  const judge = fakeJudge({ code: 'JUDGE_REFUSED' })
  const compat = await mathvistaTestminiCot.score(vista, 'C', { mode: 'compat', judge })
  expect(compat).toMatchObject({ values: { llm_as_judge_eval: 1 }, parsed: '5', fallback: true })
  const fixed = await mathvistaTestminiCot.score(vista, 'C', { mode: 'fixed', judge })
  expect(fixed).toMatchObject({ values: { llm_as_judge_eval: null }, parsed: null, fallback: true })
  const graded = await mathverseTestmini.score({ answer: 'A' }, 'A', { mode: 'fixed', judge })
  expect(graded.values).toEqual({ gpt_eval_score: null })
  expect(mathverseTestmini.aggregate([graded])).toEqual({ gpt_eval_score: null })
})

test.each(['compat', 'fixed'] as const)(
  'a judge that cannot be reached ends the scoring in mode %s',
  async (mode) => {
    const judge = fakeJudge({ code: 'JUDGE_FAILED' })
    for (const [task, row] of [
      [mathvistaTestminiCot, vista],
      [mathverseTestmini, { answer: 'A' }],
      [mmbenchEnDev, bench],
    ] as const)
      await expect(task.score(row, 'woof', { mode, judge })).rejects.toMatchObject({ code: 'JUDGE_FAILED' })
  },
)

test('in mode rule-based no judge is ever asked', async () => {
  const judge = fakeJudge('1')
  for (const [task, row] of [
    [mathvistaTestminiCot, vista],
    [mathverseTestmini, { answer: 'A' }],
    [mmbenchEnDev, bench],
  ] as const)
    await task.score(row, 'woof', { mode: 'rule-based', judge })
  expect(judge.asked).toEqual([])
})

const choices = 'Find x.\nChoices:\nA:30°\nB:60°\nC:2√3'

test.each([
  ['B', 'The angle is (B).', choices, 1],
  ['B', '60°', choices, 1],
  ['B', '**A**', choices, 0],
  ['30', 'x = 30°', 'Find x.', 1],
  ['30°', 'The answer is 30 degrees.', 'Find x.', 1],
  ['2\\sqrt{3}', '2√3', 'Find x.', 1],
  ['2\\sqrt{3}', '\\sqrt{12}', 'Find x.', 1],
  ['5cm', '5', 'Find x.', 1],
  ['30', '31', 'Find x.', 0],
  ['30', '', 'Find x.', 0],
])(
  'mathverse_testmini by rules: for %j the answer %j',
  async (answer, response, question_for_eval, expected) => {
    const score = await mathverseTestmini.score({ answer, question_for_eval }, response, {
      mode: 'rule-based',
    })
    expect(score.values.rule_based_eval).toBe(expected)
  },
)

test('mathverse_testmini: without a right answer nothing is asked, and compat counts the row as wrong', async () => {
  const judge = fakeJudge('1')
  const values = async (mode: 'compat' | 'fixed') =>
    (await mathverseTestmini.score({ answer: null, query_wo: 'q' }, '5', { mode, judge })).values
  expect(await values('compat')).toEqual({ gpt_eval_score: 0 })
  expect(await values('fixed')).toEqual({ gpt_eval_score: null })
  expect(judge.asked).toEqual([])
})

test('m3cot: the prompt has the official fields, context only where there is one, and asks for "(X)"', () => {
  const row = {
    question: 'Which force?',
    choices: ['gravity', 'friction'],
    context: '',
    image: new Uint8Array([1]),
  }
  const closing =
    'Think step by step, then end with "The answer is (X)", where X is the letter of the right choice.'
  const asked = `[Question]\nWhich force?\n[Choices]\n(A) gravity\n(B) friction\n${closing}`
  const [m3cot] = findTasks(['m3cot'])
  expect(m3cot.prompt(row).text).toBe(asked)
  expect(m3cot.prompt({ ...row, context: 'A block slides.' }).text).toBe(
    `[Context]\nA block slides.\n${asked}`,
  )
})

test('every task names the right answer of a row', () => {
  const rows: [string, Record<string, unknown>, string][] = [
    ['chartqa', { answer: '14' }, '14'],
    ['infovqa_val', { answers: ['a', 'b'] }, '["a","b"]'],
    ['ai2d', { answer: '2' }, 'C'],
    ['scienceqa_img', { answer: 1 }, 'B'],
    ['mmmu_val', { answer: 'D' }, 'D'],
    ['mathvista_testmini_cot', { answer: '7' }, '7'],
    ['mathvision_test', { answer: 'E' }, 'E'],
    ['mathverse_testmini', { answer: null }, ''],
    ['mmstar', { answer: 'A' }, 'A'],
    ['mmbench_en_dev', { answer: 'B' }, 'B'],
    ['m3cot', { answer: 1 }, 'B'],
    ['m3cot', { answer: 'C' }, 'C'],
  ]
  for (const [name, row, target] of rows) expect(findTasks([name])[0].target(row)).toBe(target)
})

const groupedRows: [string, Record<string, unknown>, Record<string, string[]>][] = [
  ['mmstar', { answer: 'A', category: 'math', l2_category: 'geometry' }, { l2_category: ['geometry'] }],
  ['mathvision_test', { answer: 'A', subject: 'algebra', level: 3 }, { subject: ['algebra'], level: ['3'] }],
  [
    'm3cot',
    { answer: 'A', choices: ['x', 'y'], domain: 'science', topic: 'physics' },
    { domain: ['science'], topic: ['physics'] },
  ],
  [
    'mathverse_testmini',
    { answer: 'A', problem_version: 'Text Lite', metadata: { subject: 'Plane Geometry', subfield: 'Angle' } },
    { version: ['Text Lite'], subject: ['Plane Geometry'], subfield: ['Angle'] },
  ],
]

test.each(groupedRows)('%s breaks its number down', async (name, row, axes) => {
  const [task] = findTasks([name])
  const scores = [
    await task.score(row, 'A', { mode: 'rule-based' }),
    await task.score(row, '?', { mode: 'rule-based' }),
  ]
  const breakdown = task.breakdown?.(scores) ?? {}
  expect(
    Object.fromEntries(Object.entries(breakdown).map(([axis, groups]) => [axis, Object.keys(groups)])),
  ).toEqual(axes)
  for (const groups of Object.values(breakdown))
    for (const group of Object.values(groups)) expect(group).toMatchObject({ correct: 1, total: 2 })
})

test.each(['not a list', "['a'", ''])(
  'mmmu_val: the options %j are one error that names the column',
  (options) => {
    const row = { question: 'q', question_type: 'multiple-choice', options, answer: 'A' }
    expect(() => mmmuVal.score(row, 'A', { mode: 'fixed' })).toThrow(
      expect.objectContaining({ code: 'COLUMN_INVALID', details: { column: 'options' } }) as Error,
    )
  },
)

test('each task is a file of its own whose header lists its pitfalls', () => {
  const folder = new URL('../src/tasks/', import.meta.url)
  const files = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const withTasks = files.filter((text) =>
    /^export const \w+: Task = \{|^function \w+\(.*\): Task \{/m.test(text),
  )
  const headers = withTasks.map((text) => text.slice(0, text.indexOf('*/')))
  for (const header of headers) expect(header).toMatch(/^\/\*\*\n[^]*\n \* Pitfalls: /)
  // Three prompts of MathVista and two splits of MathVision share a file each.
  expect(withTasks).toHaveLength(tasks.length - 3)
})
