/** Tasks that are a file of one's own: how rows are scored, shown, counted and refused. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { expect, test } from 'vitest'
import type { SampleRequest } from '../src/ask'
import { fileTask } from '../src/file-task'
import { evaluate } from '../src/run/evaluate'
import { fakeSampler } from './support/fake-sampler'

test.each([
  ['exact', { answer: 'Paris' }, ['paris ', 'Lyon'], [1, 0]],
  ['exact', { answer: ['5', 'five'] }, ['Five', '5', '6'], [1, 1, 0]],
  ['relaxed', { answer: 100 }, ['104', '106', '1e2'], [1, 0, 1]],
  ['anls', { answer: 'abcd' }, ['abce', 'xyzw', 'abcd'], [0.75, 0, 1]],
  ['math', { answer: '0.5' }, ['\\frac{1}{2}', '0.6'], [1, 0]],
  ['choice', { answer: 'B', options: ['red', 'blue'] }, ['b', 'blue', '(B)', 'A', '?'], [1, 1, 1, 0, 0]],
  ['choice', { answer: 'blue', options: ['red', 'blue'] }, ['B', 'red'], [1, 0]],
] as const)(
  'the scorer %s of a file task with %o gives %o the values %o',
  async (scorer, row, answers, values) => {
    const file = join(temporaryFolder(), 'own.jsonl')
    writeFileSync(file, answers.map(() => `${JSON.stringify({ question: 'q', ...row })}\n`).join(''))
    const task = fileTask({ file, scorer })
    expect(task.name).toBe('own')
    const metric = scorer === 'anls' ? 'anls' : 'accuracy'
    for (const [i, answer] of answers.entries()) {
      const score = await task.score({ question: 'q', ...row }, answer, { mode: 'fixed' })
      expect(score.values).toEqual({ [metric]: values[i] })
    }
  },
)

test.each([
  [{ answer: 'a' }, 'question'],
  [{ question: 'q' }, 'answer'],
  [{ question: 'q', answer: [] }, 'answer'],
  [{ question: 'q', answer: 'a', image: { path: 'x' } }, 'images'],
])('the row %o of a file task is refused for its %s', async (row, key) => {
  const file = join(temporaryFolder(), 'own.jsonl')
  writeFileSync(file, JSON.stringify(row))
  const run = evaluate({ tasks: [fileTask({ file, scorer: 'exact' })], sampler: fakeSampler() })
  await expect(run).rejects.toMatchObject({
    code: 'INVALID_ROW',
    details: { file, key, task: 'own', row: 0 },
  })
})

test('a file task counts by kind where its rows have one, and names a wrong row by its line', async () => {
  const file = join(temporaryFolder(), 'own.jsonl')
  const rows = [
    { question: 'say: 1', answer: 1, kind: 'count' },
    { question: 'say: 1', answer: 2, kind: 'count' },
    { question: 'say: red', answer: 'red', kind: 'colour' },
    { question: 'say: red', answer: 'red' },
  ]
  const write = (lines: readonly object[]) => {
    writeFileSync(file, lines.map((row) => `${JSON.stringify(row)}\n\n`).join(''))
  }
  write(rows)
  const run = () => evaluate({ tasks: [fileTask({ file, scorer: 'exact' })], sampler: fakeSampler() })
  const [task] = (await run()).tasks
  expect(task.metrics).toEqual({ accuracy: 3 / 4 })
  expect(task.breakdown).toEqual({
    kind: {
      colour: { correct: 1, total: 1, accuracy: 1 },
      count: { correct: 1, total: 2, accuracy: 1 / 2 },
    },
  })
  write([...rows, { question: 'q' }])
  await expect(run()).rejects.toThrow(
    `own, ${file}:9: answer: must be a text or a list of texts, got nothing`,
  )
})

test('a parquet file of questions is a task, with the bytes of its images', async () => {
  const file = join(temporaryFolder(), 'own.parquet')
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: [5, 6].map((i) => ({ question: `say: ${i}`, answer: '5', image: Uint8Array.of(i) })),
    columns: [
      { name: 'question', type: 'STRING' },
      { name: 'answer', type: 'STRING' },
      { name: 'image', type: 'BYTE_ARRAY' },
    ],
  })
  const images: unknown[] = []
  const onSample = (requests: readonly SampleRequest[]) =>
    void images.push(...requests.flatMap(({ images: shown }) => shown))
  const sampler = fakeSampler({ onSample })
  const { tasks } = await evaluate({ tasks: [fileTask({ file, scorer: 'exact' })], sampler })
  expect(tasks[0]).toMatchObject({ task: 'own', metrics: { accuracy: 1 / 2 } })
  expect(images).toEqual([Uint8Array.of(5), Uint8Array.of(6)])
})

test('options of a file task are shown with their letters', () => {
  const task = fileTask({ file: '/data/own.jsonl', scorer: 'choice', instruction: '' })
  const prompt = task.prompt({
    question: 'Which?',
    images: ['a.png', '/b.png'],
    answer: 'A',
    options: ['x', 'y'],
  })
  expect(prompt).toEqual({ text: 'Which?\nA. x\nB. y', images: ['/data/a.png', '/b.png'] })
})
