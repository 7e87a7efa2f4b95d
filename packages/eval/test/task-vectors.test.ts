/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call -- the vectors are untyped JSON */
import type { DataRow } from '@evolmm/dataset'
import { inferOption, lettered } from '@evolmm/rewards'
import { expect, test } from 'vitest'
import type { Judge } from '../src/judge'
import { cleanAnswer } from '../src/scoring/clean-answer'
import { judgeVerdict } from '../src/scoring/judge-verdict'
import { mathVisionAnswer } from '../src/scoring/mathvision-answer'
import { mathVisionPrefetch } from '../src/scoring/mathvision-prefetch'
import { matchMmbench } from '../src/scoring/mmbench-match'
import { parseMmmuOpen } from '../src/scoring/mmmu-open'
import type { Score, ScoringContext, ScoringMode, Task } from '../src/task'
import { findTasks, tasks } from '../src/tasks'
import { used, vectorGroups, vectorKinds, vectors, type Vector } from './vectors'

const image = { bytes: new Uint8Array([1]), path: null }
const modes: ScoringMode[] = ['compat', 'fixed', 'rule-based']

function task(name: string): Task {
  return findTasks([name])[0]
}

function judgeReplying(reply: string | null): { judge?: Judge } {
  return reply === null ? {} : { judge: { name: 'fake', ask: () => Promise.resolve(reply) } }
}

async function scoreOf(
  name: string,
  vector: Vector,
  context: ScoringContext,
  doc: DataRow = {},
): Promise<Score> {
  return task(name).score({ ...vector.input.doc, ...doc }, vector.input.prediction, context)
}

const plainTasks: [name: string, missing: DataRow][] = [
  ['chartqa', {}],
  ['infovqa_val', {}],
  ['ai2d', {}],
  ['scienceqa_img', {}],
]

for (const [name, missing] of plainTasks)
  for (const mode of modes)
    test.each(vectors(name, 'score'))(
      `${name} scores $id in mode ${mode} as lmms-eval does`,
      async (vector) => {
        const { target, filtered, ...values } = vector.expected
        const score = await scoreOf(name, vector, { mode }, missing)
        expect(score.values).toEqual(values)
        expect(score.fallback ?? false).toBe(false)
        if (target !== undefined) expect(task(name).target(vector.input.doc)).toBe(target)
        if (filtered !== undefined) expect(score.details?.filtered).toBe(filtered)
      },
    )

for (const mode of modes)
  test.each(vectors('mmstar', 'score'))(
    `mmstar scores $id in mode ${mode} as lmms-eval does`,
    async (vector) => {
      const score = await scoreOf('mmstar', vector, { mode }, { category: 'math', l2_category: 'geometry' })
      expect(score.values.score).toBe(vector.expected.score)
    },
  )

for (const mode of modes)
  test.each(vectors('m3cot', 'score'))(
    `m3cot scores $id in mode ${mode} as the official metric does`,
    async (vector) => {
      const score = await scoreOf('m3cot', vector, { mode })
      expect(score.values.accuracy).toBe(vector.expected.correct ? 1 : 0)
    },
  )

const mmmu = vectors('mmmu_val', 'score')
const mmmuChoice = mmmu.filter((vector) => vector.input.doc.question_type !== 'open')
const mmmuOpen = mmmu.filter((vector) => vector.input.doc.question_type === 'open')

for (const mode of modes)
  test.each(mmmuChoice)(`mmmu_val reads $id in mode ${mode} as MMMU does`, async (vector) => {
    const { parsed, random_fallback, candidates, correct } = vector.expected
    const score = await scoreOf('mmmu_val', vector, { mode })
    expect(score.fallback).toBe(random_fallback)
    if (!random_fallback) {
      expect(score.parsed).toBe(parsed)
      expect(score.values.mmmu_acc).toBe(correct ? 1 : 0)
    } else if (mode === 'rule-based') {
      expect(score).toMatchObject({ parsed: null, values: { mmmu_acc: 0 } })
    } else {
      expect(candidates).toContain(score.parsed)
      expect(score.values.mmmu_acc).toBe(score.parsed === vector.input.doc.answer ? 1 : 0)
    }
  })

test.each(mmmuOpen)('mmmu_val reads the open answer $id as MMMU does', async (vector) => {
  const { parsed_set, correct_official, correct_as_shipped } = vector.expected
  expect(new Set(parseMmmuOpen(vector.input.prediction))).toEqual(new Set(parsed_set))
  expect((await scoreOf('mmmu_val', vector, { mode: 'compat' })).values.mmmu_acc).toBe(
    correct_as_shipped ? 1 : 0,
  )
  expect((await scoreOf('mmmu_val', vector, { mode: 'fixed' })).values.mmmu_acc).toBe(
    correct_official ? 1 : 0,
  )
  // Lists of accepted answers, which the official rule cannot read from their spelling.
  const listed = vector.input.doc.answer.startsWith('[')
  const ruled = await scoreOf('mmmu_val', vector, { mode: 'rule-based' })
  expect(ruled.values.mmmu_acc).toBe(correct_official || listed ? 1 : 0)
})

const mathvista = vectors('mathvista_testmini', 'score')

/** The dataset's column is a float64, a number here; a Python int, which it never is, is a bigint. */
function precision({ doc, precision_is_float }: Vector['input']): DataRow {
  return typeof doc.precision === 'number' && !precision_is_float ? { precision: BigInt(doc.precision) } : {}
}

/** Shown to the judge; the vectors have none. */
const query = { query: 'Question: ...' }

test.each(mathvista)('mathvista_testmini scores $id in mode compat as lmms-eval does', async (vector) => {
  const { input, expected } = vector
  const context = { mode: 'compat' as const, ...judgeReplying(input.judge_reply) }
  const score = await scoreOf('mathvista_testmini_cot', vector, context, { ...query, ...precision(input) })
  expect(score.details?.extraction).toBe(expected.extraction)
  expect(score.details?.judge_reply !== undefined).toBe(expected.needs_llm && input.judge_reply !== null)
  expect(score.parsed).toBe(expected.normalized)
  expect(score.values).toEqual({ llm_as_judge_eval: expected.correct ? 1 : 0 })
})

test.each(mathvista)(
  'mathvista_testmini scores $id in mode fixed with usable decimals and no lucky guess',
  async (vector) => {
    const { input, expected } = vector
    const context = { mode: 'fixed' as const, ...judgeReplying(input.judge_reply) }
    const score = await scoreOf('mathvista_testmini_cot', vector, context, query)
    if (expected.needs_llm && input.judge_reply === null) {
      expect(score).toMatchObject({ values: { llm_as_judge_eval: null }, fallback: true })
      return
    }
    const correct = expected.correct_if_int_precision ?? expected.correct
    expect(score.parsed).toBe(expected.normalized_if_int_precision ?? expected.normalized)
    expect(score.values).toEqual({ llm_as_judge_eval: correct ? 1 : 0 })
  },
)

test.each(mathvista)(
  'mathvista_testmini gives the VLMEvalKit verdict on $id in mode rule-based',
  async (vector) => {
    const score = await scoreOf('mathvista_testmini_cot', vector, { mode: 'rule-based' })
    const { prefetch, correct_without_judge } = vector.expected.vlmevalkit
    expect(score.values.vlmevalkit_eval).toBe(correct_without_judge ? 1 : 0)
    if (vector.input.doc.choices === null) return
    expect(inferOption(vector.input.prediction, lettered(vector.input.doc.choices)) ?? false).toBe(prefetch)
  },
)

test.each(vectors('mathvision', 'score'))(
  'mathvision scores $id as lmms-eval and VLMEvalKit do',
  async (vector) => {
    const { doc, prediction } = vector.input
    const { parsed, correct, vlmevalkit } = vector.expected
    expect(mathVisionAnswer(prediction, 'compat')).toBe(parsed)
    for (const mode of modes) {
      const score = await scoreOf('mathvision_test', vector, { mode })
      expect(score.values.mathvision_standard_eval).toBe(correct ? 1 : 0)
      if (mode === 'rule-based')
        expect(score.values.vlmevalkit_eval).toBe(vlmevalkit.correct_without_judge ? 1 : 0)
    }
    expect(mathVisionPrefetch(prediction, doc) ?? false).toBe(vlmevalkit.prefetch)
  },
)

test.each(vectors('mathvision_end_to_end', 'score'))(
  'mathvision scores the raw text $id as lmms-eval does',
  async (vector) => {
    const { doc, raw_model_text } = vector.input
    const { cleaned, correct_with_wrapper_cleanup, correct_without_cleanup } = vector.expected
    const hit = async (answer: string) =>
      (await task('mathvision_test').score(doc, answer, { mode: 'compat' })).values.mathvision_standard_eval
    expect(cleanAnswer(raw_model_text, { mode: 'compat' })).toBe(cleaned)
    expect(await hit(cleaned)).toBe(correct_with_wrapper_cleanup ? 1 : 0)
    expect(await hit(raw_model_text)).toBe(correct_without_cleanup ? 1 : 0)
  },
)

const mathverse = vectors('mathverse_testmini', 'score')

test.each(mathverse)('mathverse_testmini scores $id in every mode', async (vector) => {
  const { input, expected } = vector
  const judged = judgeReplying(input.judge_reply)
  const compat = await scoreOf('mathverse_testmini', vector, { mode: 'compat', ...judged })
  expect(compat.values).toEqual({ gpt_eval_score: expected.gpt_eval_score })
  expect(compat.fallback).toBe(input.judge_reply === null)
  const fixed = await scoreOf('mathverse_testmini', vector, { mode: 'fixed', ...judged })
  const strict = /^[01]$/.test((input.judge_reply ?? '').trim())
  expect(fixed.values).toEqual({ gpt_eval_score: strict ? expected.gpt_eval_score : null })
  const ruled = await scoreOf('mathverse_testmini', vector, { mode: 'rule-based', ...judged })
  expect(ruled.values.vlmevalkit_eval).toBe(expected.vlmevalkit_exact ? 1 : 0)
  expect(ruled.values.vlmevalkit_eval).toBe(expected.quick_match ? 1 : 0)
})

test.each(vectors('judge_reply_parsing', 'score'))(
  'judgeVerdict reads $id as lmms-eval does',
  ({ input, expected }) => {
    expect(judgeVerdict(input.reply, { form: input.output_format, strict: false })).toBe(
      Boolean(expected.value),
    )
  },
)

const mmbench = vectors('mmbench_en_dev', 'score')

test.each(mmbench)(
  'mmbench_en_dev reads $id in every mode as lmms-eval and VLMEvalKit do',
  async (vector) => {
    const { doc, prediction } = vector.input
    const { prefetch, needs_llm, correct_if_prefetched, vlmevalkit } = vector.expected
    const stored = new Map(['A', 'B', 'C', 'D'].map((letter) => [letter, doc[letter] as string]))
    expect(matchMmbench(prediction, stored) ?? null).toBe(prefetch)
    const present = new Map([...stored].filter(([, text]) => text !== 'nan'))
    expect(inferOption(prediction, present) ?? null).toBe(vlmevalkit.prefetch)

    const row = { index: 7 }
    for (const mode of ['compat', 'fixed'] as const) {
      const score = await scoreOf('mmbench_en_dev', vector, { mode }, row)
      expect(score.fallback).toBe(needs_llm)
      if (!needs_llm) expect(score.values).toEqual({ gpt_eval_score: correct_if_prefetched ? 1 : 0 })
      else if (mode === 'fixed') expect(score.values).toEqual({ gpt_eval_score: null })
      else expect(['A', 'B', 'C', 'D', 'E']).toContain(score.parsed)
    }
    const ruled = await scoreOf('mmbench_en_dev', vector, { mode: 'rule-based' }, row)
    expect(ruled.values).toEqual({ rule_based_eval: vlmevalkit.prefetch === doc.answer ? 1 : 0 })
  },
)

test.each(vectors('model_output_cleanup', 'score'))(
  'cleanAnswer cleans $id as the model class does',
  ({ input, expected }) => {
    expect(cleanAnswer(input.raw, { until: input.until, mode: 'compat' })).toBe(expected.cleaned)
    // Only nested braces are read differently in the other modes.
    if (!/\{[^}]*\{/.test(input.raw))
      expect(cleanAnswer(input.raw, { until: input.until, mode: 'fixed' })).toBe(expected.cleaned)
  },
)

const shots: Record<string, string> = {
  'step-by-step': 'cot',
  solution: 'solution',
  'format-prompt': 'format',
}
const promptVectors = vectorGroups.flatMap((group) =>
  vectors(group, 'prompt').map((vector) => ({ group, ...vector })),
)

test.each(promptVectors)('the prompt of $id is that of lmms-eval', ({ group, input, expected }) => {
  const name = group === 'mathvision' ? 'mathvision_test' : group
  const variant = input.shot_type === undefined ? name : `${name}_${shots[input.shot_type]}`
  const columns: string[] = expected.image_columns_in_order ?? ['image', 'decoded_image']
  const images = Object.fromEntries(columns.map((column) => [column, image]))
  const prompt = task(variant).prompt({ ...input.doc, ...images })
  expect(prompt.text).toBe(expected.prompt)
  expect(prompt.images).toHaveLength(1)
})

test('mmmu_val sends the images that question and options mention, by number', () => {
  const bytes = (value: number) => ({ bytes: new Uint8Array([value]), path: null })
  const row = {
    question: '<image 3> or <image 1>?',
    options: "['<image 2>', '<image 3>']",
    question_type: 'multiple-choice',
    ...Object.fromEntries([1, 2, 3, 4].map((index) => [`image_${index}`, bytes(index)])),
  }
  expect(task('mmmu_val').prompt(row).images).toEqual([1, 2, 3].map((index) => new Uint8Array([index])))
})

function aggregateVector(group: string, index = 0): Vector {
  return vectors(group, 'aggregate')[index]
}

function scored(values: Score['values'], details: Score['details'] = {}): Score {
  return { values, details }
}

test('chartqa averages all rows and each split', async () => {
  const { input, expected } = aggregateVector('chartqa')
  const rows = await Promise.all(
    input.rows.map(({ type, score }: { type: string; score: number }) =>
      task('chartqa').score({ type, answer: 'yes' }, score === 1 ? 'yes' : 'no', { mode: 'fixed' }),
    ),
  )
  expect(task('chartqa').aggregate(rows)).toEqual(expected)
})

test('ai2d averages', () => {
  const { input, expected } = aggregateVector('ai2d')
  const rows = input.exact_match.map((exact_match: number) => scored({ exact_match }))
  expect(task('ai2d').aggregate(rows)).toEqual(expected)
})

test('mmmu_val counts all subjects and prints domains', async () => {
  const { input, expected } = aggregateVector('mmmu_val')
  const options = "['a', 'b', 'c', 'd']"
  const rows = await Promise.all(
    input.rows.map(({ id, answer, parsed }: Record<string, string>) =>
      task('mmmu_val').score({ id, answer, options, question_type: 'multiple-choice' }, parsed, {
        mode: 'compat',
      }),
    ),
  )
  expect(task('mmmu_val').aggregate(rows)).toEqual({ mmmu_acc: expected.mmmu_acc })
  const { subject } = task('mmmu_val').breakdown?.(rows) ?? {}
  const printed = Object.entries(subject).map(([name, { total, accuracy }]) => [
    name,
    { num: total, acc: accuracy },
  ])
  expect(printed).toEqual(Object.entries(expected.printed))
})

test.each([0, 1])('mathvista_testmini reports percent and the five tasks (vector %i)', (index) => {
  const { input, expected } = aggregateVector('mathvista_testmini', index)
  const short: Record<string, string> = {
    'figure question answering': 'FQA',
    'geometry problem solving': 'GPS',
    'math word problem': 'MWP',
    'textbook question answering': 'TQA',
    'visual question answering': 'VQA',
  }
  const rows: Score[] = input.rows.map((row: { task: string; skills: string[]; correct: boolean }) =>
    scored({ llm_as_judge_eval: row.correct ? 1 : 0 }, { task: short[row.task], skills: row.skills }),
  )
  const { aggregate, breakdown } = task('mathvista_testmini_cot')
  expect(aggregate(rows, { mode: 'compat' }).llm_as_judge_eval).toBe(expected.llm_as_judge_eval)
  expect(aggregate(rows, { mode: 'fixed' }).llm_as_judge_eval).toBe(expected.llm_as_judge_eval ?? 0)
  if (expected.by_task === undefined) return
  const shown = (axis: string) =>
    Object.fromEntries(
      Object.entries(breakdown?.(rows)[axis] ?? {}).map(([name, group]) => [
        name,
        { ...group, accuracy: group.accuracy?.toFixed(2) },
      ]),
    )
  expect(shown('task')).toEqual(expected.by_task)
  expect(shown('skills')).toEqual(expected.by_skill)
})

test('mathvista_testmini takes the groups from the metadata of the row', async () => {
  const metadata = {
    task: 'math word problem',
    skills: ['arithmetic reasoning'],
    language: 'english',
    source: 'X',
  }
  const row = { question_type: 'free_form', answer_type: 'integer', answer: '3', choices: [], metadata }
  const score = await task('mathvista_testmini_cot').score(row, '3', { mode: 'fixed' })
  const groups = task('mathvista_testmini_cot').breakdown?.([score]) ?? {}
  expect(groups.task).toEqual({ MWP: { correct: 1, total: 1, accuracy: 100 } })
  expect(groups.source).toEqual({ X: { correct: 1, total: 1, accuracy: 100 } })
})

test('mathvision reports percent with two decimals', () => {
  const { input, expected } = aggregateVector('mathvision')
  const rows = input.correct.map((correct: boolean) => scored({ mathvision_standard_eval: correct ? 1 : 0 }))
  expect(task('mathvision_test').aggregate(rows)).toEqual(expected)
})

test('mathverse_testmini averages', () => {
  const { input, expected } = aggregateVector('mathverse_testmini')
  const rows = input.scores.map((gpt_eval_score: number) => scored({ gpt_eval_score }))
  expect(task('mathverse_testmini').aggregate(rows)).toEqual(expected)
})

test('mmstar averages subcategories, then their averages', () => {
  const { input, expected } = aggregateVector('mmstar')
  const rows = input.rows.map(({ score, ...details }: { score: number; category: string }) =>
    scored({ score }, details),
  )
  expect(task('mmstar').aggregate(rows)).toEqual(expected)
})

test('mmbench_en_dev counts a question as right when all its rotations are', async () => {
  const { input, expected } = aggregateVector('mmbench_en_dev')
  for (const mode of modes) {
    const rows = await Promise.all(
      input.rows.map((row: DataRow) => task('mmbench_en_dev').score(row, row.prediction as string, { mode })),
    )
    const metric = mode === 'rule-based' ? 'rule_based_eval' : 'gpt_eval_score'
    expect(task('mmbench_en_dev').aggregate(rows)).toEqual({ [metric]: expected.overall_acc_percent })
    const groups = task('mmbench_en_dev').breakdown?.(rows) ?? {}
    const accuracies = (axis: string) =>
      Object.fromEntries(Object.entries(groups[axis]).map(([name, { accuracy }]) => [name, accuracy]))
    expect(accuracies('category')).toEqual(expected.category_acc)
    expect(accuracies('l2_category')).toEqual(expected.l2_category_acc)
  }
})

test('every task has numbers of unscored rows as null, never as a score', () => {
  for (const { name, aggregate, higherIsBetter } of tasks) {
    const details = { index: 1, category: 'math', l2_category: 'geometry' }
    const values = (value: number | null) =>
      Object.fromEntries(['score', ...Object.keys(higherIsBetter)].map((metric) => [metric, value]))
    const reported = aggregate([
      scored(values(1), details),
      scored(values(null), { ...details, index: 1_000_001 }),
    ])
    expect([name, ...new Set(Object.values(reported))]).toEqual([name, null])
  }
})

test('every vector of the file is part of a test above, or of one in rewards', () => {
  const elsewhere = ['mathvision_is_equal score', 'mathvision_latex_eval score']
  expect([...used, ...elsewhere].sort()).toEqual(expect.arrayContaining([...vectorKinds].sort()))
})
