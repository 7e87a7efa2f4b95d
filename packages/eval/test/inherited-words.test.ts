/** Names that every plain object answers to, in answers, rows, options and judges' replies, are words like any other. */
import type { DataRow } from '@evolmm/dataset'
import { inheritedWords, sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanAnswer } from '../src/scoring/clean-answer'
import { judgeVerdict } from '../src/scoring/judge-verdict'
import { mathVisionAnswer } from '../src/scoring/mathvision-answer'
import { extractMathVista, normalizeMathVista, ruleBasedMathVista } from '../src/scoring/mathvista-answer'
import { parseListLiteral } from '../src/scoring/python-literal'
import { findTasks, tasks } from '../src/tasks'
import type { ScoringMode } from '../src/task'

const modes: ScoringMode[] = ['compat', 'fixed', 'rule-based']

const picture = { bytes: new Uint8Array([137, 80, 78, 71]), path: null }

/** A row of any task, whose texts hold the word. */
function row(word: string): DataRow {
  return {
    ...{ index: 3, id: `validation_${word}_3`, pid: word, category: word, l2_category: word, type: word },
    ...{ question: word, query: word, hint: word, subject: word, unit: word, A: word, B: 'dog', C: 'nan' },
    ...{ options: [word, '2', 'five'], choices: [word, '2', 'five'], answers: [word, '5'] },
    ...{ question_type: 'multi_choice', answer_type: word, query_wo: `${word}\nA:${word}\nB:2`, topic: word },
    metadata: { task: word, language: word, source: word, subject: word, subfield: word, skills: [word] },
    domain: word,
    ...Object.fromEntries(['image', 'decoded_image', 'image_1'].map((name) => [name, picture])),
  }
}

/** A task's row; each has columns that others do not. */
function rowOf(task: string, word: string): DataRow {
  if (task === 'ai2d') return { ...row(word), answer: '1' }
  if (task === 'scienceqa_img') return { ...row(word), answer: 1 }
  if (task === 'mmmu_val')
    return { ...row(word), question_type: 'multiple-choice', options: `['${word}', '2']`, answer: 'B' }
  return { ...row(word), answer: 'B' }
}

const pieces = [
  'A',
  '(B)',
  'answer is ',
  '=',
  '5',
  '.5',
  '\\boxed{',
  '}',
  '\\text{',
  '%',
  '[',
  "'",
  ']',
  '\n',
  ' ',
]
const holes = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...pieces) }, fc.constant(null)), {
  maxLength: 8,
})
const pair = fc.constantFrom(...inheritedWords)

/** JSON without case and underscores, which some rules drop; the word itself is "?". */
function forget(value: unknown, word: string): string | undefined {
  return (JSON.stringify(value) as string | undefined)
    ?.toLowerCase()
    .replaceAll('_', '')
    .replaceAll(word.toLowerCase().replaceAll('_', ''), '?')
}

sizedTest('readers of answers', { texts: [2000, 10_000, 200_000] }, ({ count, seed }) => {
  const vista = (word: string, answerType: string) => ({
    ...{ choices: [word, '2'], multiChoice: answerType === 'text', answerType, precision: 1, answer: '2' },
  })
  const readers: Record<string, (text: string, word: string) => unknown> = {
    ...Object.fromEntries(
      modes.map((mode) => [`answer, ${mode}`, (text: string) => mathVisionAnswer(text, mode)]),
    ),
    parseListLiteral: (text) => parseListLiteral(`['${text}', ${text}]`),
    ...Object.fromEntries(
      modes.map((mode) => [`clean, ${mode}`, (text: string) => cleanAnswer(text, { mode, until: [] })]),
    ),
    ...Object.fromEntries(
      [true, false].map((strict) => [`verdict ${strict}`, (text: string) => judgeVerdict(text, { strict })]),
    ),
    ...Object.fromEntries(
      ['text', 'integer', 'float', 'list', 'none'].flatMap((type) => [
        [`extract ${type}`, (text: string, word: string) => extractMathVista(text, vista(word, type))],
        [`normalize ${type}`, (text: string, word: string) => normalizeMathVista(text, vista(word, type))],
        [`rules ${type}`, (text: string, word: string) => ruleBasedMathVista(text, vista(word, type))],
      ]),
    ),
  }
  fc.assert(
    fc.property(pair, holes, fc.constantFrom(...Object.keys(readers)), ([word, plain], parts, name) => {
      const [first, second] = [word, plain].map((as) =>
        forget(readers[name](parts.map((part) => part ?? as).join(''), as), as),
      )
      expect(first).toBe(second)
    }),
    { seed, numRuns: count },
  )
})

for (const task of tasks)
  sizedTest(
    `${task.name} scores rows and answers`,
    { texts: [100, 300, 10_000] },
    async ({ count, seed }) => {
      await fc.assert(
        fc.asyncProperty(pair, holes, fc.constantFrom(...modes), async ([word, plain], parts, mode) => {
          const [first, second] = await Promise.all(
            [word, plain].map(async (as) => {
              const [own, text] = [rowOf(task.name, as), parts.map((part) => part ?? as).join('')]
              const score = await task.score(own, text, { mode, fallback: 'wrong' })
              const aggregated = [task.aggregate([score], { mode }), task.breakdown?.([score])]
              return forget([task.prompt(own).text, task.target(own), score, aggregated], as)
            }),
          )
          expect(first).toBe(second)
        }),
        { seed, numRuns: count },
      )
    },
  )

test.each(inheritedWords)('%s is no task', (word) => {
  expect(() => findTasks([word])).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }) as Error)
})
