import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { expect, test } from 'vitest'
import { labelledQuestion, readQuestions, type LabelledQuestion } from '../src'

async function all(file: string): Promise<LabelledQuestion[]> {
  const found: LabelledQuestion[] = []
  for await (const question of readQuestions(file)) found.push(question)
  return found
}

const bare = { question: 'q', answers: ['a'], options: [], images: [], kind: null, source: null }

test.each([
  [{ answer: 'a' }, {}],
  [{ answer: 7 }, { answers: ['7'] }],
  [{ answer: ['5', 5.5] }, { answers: ['5', '5.5'] }],
  [{ answers: ['5', 'five'] }, { answers: ['5', 'five'] }],
  [{ answer: null }, { answers: null }],
  [{ answers: null }, { answers: null }],
  [
    { answer: 'a', options: ['x', 2], kind: 'count' },
    { options: ['x', '2'], kind: 'count' },
  ],
  [{ answer: 'a', options: null, image: null, images: null, kind: null }, {}],
  [{ answer: 'a', image: 'a.png' }, { images: ['/data/a.png'] }],
  [{ answer: 'a', images: ['a.png', '/b.png'] }, { images: ['/data/a.png', '/b.png'] }],
  [{ answer: 'a', image: Uint8Array.of(1) }, { images: [Uint8Array.of(1)] }],
  [
    {
      answer: 'a',
      images: [
        { bytes: Uint8Array.of(1), path: 'x' },
        { bytes: null, path: 'a.png' },
      ],
    },
    { images: [Uint8Array.of(1), '/data/a.png'] },
  ],
  [{ answer: 'a', source: 'GeoQA' }, { source: 'GeoQA' }],
  [{ answer: 'a', more: 'of no concern' }, {}],
])('the row %o is understood', (fields, expected) => {
  const question = labelledQuestion({ question: 'q', ...fields }, { file: '/data/q.jsonl' })
  expect(question).toEqual({ ...bare, ...expected })
})

test('without a file paths are left as they are', () => {
  expect(labelledQuestion({ question: 'q', answer: 'a', image: 'a.png' }).images).toEqual(['a.png'])
})

test.each([
  [{ answer: 'a' }, 'question', 'must be a text, got nothing'],
  [{ question: 7, answer: 'a' }, 'question', 'must be a text, got 7'],
  [{ question: 'q' }, 'answer', 'must be a text or a list of texts, got nothing'],
  [{ question: 'q', answer: [] }, 'answer', 'must be a text or a list of texts, got []'],
  [{ question: 'q', answer: [null] }, 'answer', 'must be a text or a list of texts, got [null]'],
  [{ question: 'q', answer: 'a', options: [{}] }, 'options', 'must be a text or a list of texts, got [{}]'],
  [{ question: 'q', answer: 'a', kind: [] }, 'kind', 'must be a text or a list of texts, got []'],
  [{ question: 'q', answer: 'a', image: '' }, 'images', 'a list of them, got ""'],
  [{ question: 'q', answer: 'a', image: { path: 'x' } }, 'images', 'a list of them, got {"path":"x"}'],
  [{ question: 'q', answer: 'a', images: [Uint8Array.of(1), 7] }, 'images', 'got ["1 bytes",7]'],
])('the row %o is refused for its %s', (row, key, message) => {
  const read = () => labelledQuestion(row, { file: 'q.jsonl', place: 'q.jsonl:3' })
  const details = { file: 'q.jsonl', place: 'q.jsonl:3', key }
  expect(read).toThrow(expect.objectContaining({ code: 'INVALID_ROW', details }) as Error)
  expect(read).toThrow(`q.jsonl:3: ${key}: must be `)
  expect(read).toThrow(message)
})

test('questions of a JSON-lines file come in order, and a wrong one is named by its line', async () => {
  const folder = temporaryFolder()
  // Any name but that of another format will do.
  const file = join(folder, 'questions.txt')
  writeFileSync(
    file,
    '{"question": "q", "answer": "a", "image": "x/a.png"}\n\n{"question": "r", "answers": [1]}\n',
  )
  expect(await all(file)).toEqual([
    { ...bare, images: [join(folder, 'x/a.png')] },
    { ...bare, question: 'r', answers: ['1'] },
  ])
  writeFileSync(file, '\n{"question": "q", "answer": "a"}\n{"question": "q"}\n')
  await expect(all(file)).rejects.toThrow(`${file}:3: answer: must be a text`)
  writeFileSync(file, '\n')
  await expect(all(file)).rejects.toMatchObject({ code: 'DATA_EMPTY' })
})

test('questions of a parquet file have their images with them, and a wrong one is named by its row', async () => {
  const file = join(temporaryFolder(), 'questions.parquet')
  const write = async (answers: (string | null)[]) =>
    parquetWriteRows({
      writer: fileWriter(file),
      rows: answers.map((answer, i) => ({
        question: `q${i}`,
        answer,
        image: Uint8Array.of(i),
        kind: i === 0 ? 'first' : null,
      })),
      columns: [
        { name: 'question', type: 'STRING' },
        { name: 'answer', type: 'STRING', nullable: true },
        { name: 'image', type: 'BYTE_ARRAY' },
        { name: 'kind', type: 'STRING', nullable: true },
      ],
    })
  await write(['a', null])
  expect(await all(file)).toEqual([
    { question: 'q0', answers: ['a'], options: [], images: [Uint8Array.of(0)], kind: 'first', source: null },
    { question: 'q1', answers: null, options: [], images: [Uint8Array.of(1)], kind: null, source: null },
  ])
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: [
      { question: 'q', answer: 'a' },
      { question: null, answer: 'a' },
    ],
    columns: [
      { name: 'question', type: 'STRING', nullable: true },
      { name: 'answer', type: 'STRING' },
    ],
  })
  await expect(all(file)).rejects.toThrow(`${file}, row 1: question: must be a text, got null`)
})
