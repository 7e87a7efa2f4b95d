/** Scorers face whatever a model writes: no text makes one throw, and every score is stored as it is read back. */
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanAnswer } from '../src/scoring/clean-answer'
import type { DataRow } from '@evolmm/dataset'
import type { ScoringMode } from '../src/task'
import { tasks } from '../src/tasks'

const shared = {
  index: 3,
  id: 'validation_Math_3',
  category: 'math',
  l2_category: 'algebra',
  type: 'human_test',
}
const latexOptions = ['$\\frac{1}{2}$', '2', '', '$\\sqrt{3}$']
const choiceRow = { ...shared, question: 'q', options: latexOptions, choices: ['12', '2', 'No'] }

/** Rows that reach every branch, for all tasks that take their columns. */
const rows: Record<string, DataRow[]> = {
  chartqa: ['14', '25%', 'Yes', ''].map((answer) => ({ ...shared, answer })),
  infovqa_val: [{ answers: ['42%', 'New  York', ''] }, { answers: [''] }],
  ai2d: [{ ...choiceRow, answer: '2' }],
  scienceqa_img: [{ ...choiceRow, answer: 1 }],
  mmmu_val: [
    { ...shared, question_type: 'multiple-choice', options: "['a', 'The cat', '15']", answer: 'B' },
    { ...shared, question_type: 'open', options: '[]', answer: '1,200' },
    { ...shared, question_type: 'open', options: '[]', answer: "['x', '3.5']" },
  ],
  mathvista_testmini: [
    { ...choiceRow, question_type: 'multi_choice', answer_type: 'text', answer: '2' },
    ...['integer', 'float', 'list', 'text'].map((answer_type) => ({
      ...{
        question: 'q',
        question_type: 'free_form',
        answer_type,
        answer: '1.2',
        choices: null,
        precision: 1,
      },
    })),
  ],
  mathvision: [
    { options: latexOptions, answer: 'B' },
    ...['(3,4)', '2\\sqrt{3}', '24'].map((answer) => ({ options: [], answer })),
  ],
  mathverse_testmini: [
    { answer: 'B', question_for_eval: 'q\nA:1\nB:2', metadata: { subject: 's' } },
    { answer: '30°', query_wo: 'q' },
  ],
  mmstar: [{ ...shared, answer: 'B' }],
  mmbench_en_dev: [{ ...shared, A: 'cat', B: 'nan', C: '', D: null, answer: 'A', question: 'q' }],
  m3cot: [{ ...choiceRow, answer: 'B' }],
}

/** Pieces that the rules look for, so that random texts come close to them. */
const pieces = [
  ...[
    'A',
    '(B)',
    'C.',
    ' D ',
    'E:',
    'b',
    'answer is ',
    'The answer is ',
    'so ',
    '=',
    '\n',
    '. ',
    ',',
    ' ',
    '%',
    '"',
    "'",
  ],
  ...[
    '\\boxed{',
    '}',
    '{',
    '\\frac',
    '\\sqrt',
    '\\text{',
    '\\pi',
    '^',
    '(',
    ')',
    '[',
    ']',
    '|',
    '!',
    '/',
    ':',
    '-',
    '+',
  ],
  ...[
    '<answer>',
    '</answer>',
    '[Answer]',
    '1',
    '12',
    '.5',
    '1,000',
    '1e3',
    '_',
    '٣',
    '１',
    'ß',
    '🚗',
    '\u0000',
    '\ud83d',
    '\u001c',
  ],
]
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
)
const modes: ScoringMode[] = ['compat', 'fixed', 'rule-based']

for (const task of tasks)
  sizedTest(`${task.name} scores any text`, { texts: [500, 1000, 20_000] }, async ({ count, seed }) => {
    const own = Object.keys(rows).find((prefix) => task.name.startsWith(prefix)) ?? ''
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.constantFrom(...modes),
        fc.constantFrom(...rows[own]),
        async (raw, mode, row) => {
          const answer = cleanAnswer(raw, { until: task.generation.until, mode })
          const score = await task.score(row, answer, { mode })
          for (const value of Object.values(score.values)) {
            if (value === null) expect(mode).toBe('fixed')
            else expect(value >= 0 && value <= 1).toBe(true)
          }
          expect(await task.score(row, answer, { mode })).toEqual(score)
          expect(JSON.parse(JSON.stringify(score))).toEqual(withoutUndefined(score))
        },
      ),
      { seed, numRuns: count },
    )
  })

const long = 20_000
const heavy: Record<string, string> = {
  digits: '1'.repeat(long),
  letters: 'A '.repeat(long),
  braces: '{'.repeat(long),
  boxes: '\\boxed{'.repeat(long),
  roots: '\\sqrt{'.repeat(long),
  dots: '.'.repeat(long),
  spaces: ' '.repeat(long),
  sum: '1+'.repeat(long),
  cues: 'the answer is '.repeat(long),
  commas: '1,'.repeat(long),
  lines: 'so 1\n'.repeat(long),
  lists: '['.repeat(long),
}

test.each(Object.keys(heavy))('a long run of %s is scored', async (kind) => {
  for (const task of tasks) {
    const own = Object.keys(rows).find((prefix) => task.name.startsWith(prefix)) ?? ''
    for (const row of rows[own]) for (const mode of modes) await task.score(row, heavy[kind], { mode })
  }
})

test('a wrong row is one error that names the column', async () => {
  for (const task of tasks) {
    const wrong = async () =>
      task.score({ ...shared, answer: 7.5, answers: 'x', question_type: 5 }, 'A', { mode: 'fixed' })
    await expect(wrong()).rejects.toMatchObject({ code: 'COLUMN_INVALID' })
  }
})

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([name, item]) => [name, withoutUndefined(item)]))
}
