/**
 * Data sets in the layout of MathV360K: `train_samples_all_tuned.json`, one list, with pictures in `data_images` beside it.
 * The rows are made up; their form is the published one.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizedTest, temporaryFolder } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EvolmmError, labelledQuestion, openRows, readQuestions, splitByImage } from '../src'
import { openJsonArray } from '../src/rows/json-array'

const asked = (human: string, gpt: string, image = 'TabMWP/images/7.png') => ({
  id: 'x',
  image,
  conversations: [
    { from: 'human', value: human },
    { from: 'gpt', value: gpt },
  ],
})

const rows = [
  asked(
    '<image>\nHint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.\n' +
      'Question: Which bar is the tallest?\nChoices:\n(A) red\n(B) dark\nblue\n(C) green',
    'The answer is B',
    'FigureQA/images/1.png',
  ),
  asked(
    '<image>\nHint: Please answer the question requiring an integer answer.\nQuestion: What is 2 + 5?\nRound it.',
    'The answer is 7.',
  ),
  asked('What is shown?\n<image>', 'A chart: 2.5', 'plain.png'),
]

test('questions, options, answers, sources and pictures are read as they are published', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'train_samples_all_tuned.json')
  writeFileSync(file, JSON.stringify(rows, null, 2))
  const found = []
  for await (const question of readQuestions(file)) found.push(question)
  const image = (path: string) => [join(folder, 'data_images', path)]
  expect(found).toEqual([
    {
      question: 'Which bar is the tallest?',
      options: ['red', 'dark\nblue', 'green'],
      answers: ['B'],
      kind: 'choice',
      source: 'FigureQA',
      images: image('FigureQA/images/1.png'),
    },
    {
      question: 'What is 2 + 5?\nRound it.',
      options: [],
      answers: ['7'],
      kind: 'free',
      source: 'TabMWP',
      images: image('TabMWP/images/7.png'),
    },
    {
      question: 'What is shown?',
      options: [],
      answers: ['A chart: 2.5'],
      kind: 'free',
      source: null,
      images: image('plain.png'),
    },
  ])
})

test.each([
  [{ conversations: 'x' }, 'conversations'],
  [{ conversations: [] }, 'conversations'],
  [{ conversations: [{ from: 'human', value: 'x' }] }, 'conversations'],
  [{ conversations: [{ from: 'gpt', value: 'x' }, null] }, 'conversations'],
  [{ ...asked('q', 'a'), image: 7 }, 'image'],
])('the row %j is refused with its place', (row, key) => {
  expect(() => labelledQuestion(row, { place: 'x.json[3]' })).toThrow(`x.json[3]: ${key}: must be`)
})

test('a text of a million spaces is read in time that grows with it alone', () => {
  const spaces = ' '.repeat(2 ** 20)
  const human = `\nQuestion:${spaces}x\nChoices:\n(A)${spaces}y${spaces}z\n${spaces}\n${'\n'.repeat(2 ** 20)}`
  expect(labelledQuestion(asked(human, `The answer is${spaces}A`))).toMatchObject({ answers: ['A'] })
})

sizedTest(
  'any list of objects is read as JSON.parse reads it, in any range',
  { lists: [40, 200, 5000] },
  async ({ count, seed }) => {
    const path = join(temporaryFolder(), 'a.json')
    const object = fc.oneof(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      // Longer than what is read at once.
      fc.constant({ text: '"\\🚗}'.repeat(60_000) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(object, { maxLength: 5 }), fc.nat(2), async (list, indent) => {
        writeFileSync(path, `${indent === 1 ? '\uFEFF ' : ''}${JSON.stringify(list, null, indent)}\n`)
        const want = JSON.parse(JSON.stringify(list)) as unknown[]
        const reader = await openJsonArray(path)
        expect(reader.length).toBe(want.length)
        for (let start = 0; start <= want.length; start++) {
          const found = []
          for await (const row of reader.read(start, want.length)) found.push(row)
          expect(found).toEqual(want.slice(start))
        }
        await reader.close()
      }),
      { seed, numRuns: count },
    )
  },
)

test.each([
  ['[{"a": 1}, 7]', 1],
  ['[{"a": 1} {"a": 2}]', 1],
  ['[{"a": 1},]', 1],
  ['[{"a": 1}, {"a": 2', 1],
  ['[{"a": 1}] x', 1],
  ['[,{"a": 1}]', 0],
  ['[{"a" 1}]', 0],
  ['[{"a": 1]]', 0],
  ['[{"a": \u00001}]', 0],
  ['[', 0],
  [`[{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}]`, 0],
])('%j is refused at its place', async (text, row) => {
  const path = join(temporaryFolder(), 'a.json')
  writeFileSync(path, text)
  const error = await openRows({ file: path }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(EvolmmError)
  expect((error as EvolmmError).message).toContain(`${path}[${row}]: must be`)
})

test('a .json file of lines is one of lines', async () => {
  const path = join(temporaryFolder(), 'a.json')
  writeFileSync(path, '{"question": "x", "answer": 1}\n{"question": "y", "answer": 2}\n')
  const opened = await openRows({ file: path })
  expect(opened.length).toBe(2)
  await opened.close()
})

sizedTest(
  'no image is in two parts, every question is in one, and parts are full but for images with too many questions',
  { splits: [100, 1000, 20_000] },
  ({ count, seed }) => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { maxLength: 60 }),
        fc.nat(15),
        fc.nat(15),
        fc.nat(1000),
        (pictures, test_, validation, chosen) => {
          const images = pictures.map((n) => `${n}.png`)
          const split = splitByImage(images, { sizes: { test: test_, validation }, seed: chosen })
          expect(splitByImage(images, { sizes: { test: test_, validation }, seed: chosen })).toEqual(split)
          const parts = Object.values(split)
          expect(parts.flatMap((places) => [...places]).sort((a, b) => a - b)).toEqual([...images.keys()])
          const seen = parts.map((places) => new Set(Array.from(places, (place) => images[place])))
          expect(seen.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(images).size)
          // What is in the rest had no room: its image has more questions than any part has left.
          const left = Math.max(test_ - split.test.length, validation - split.validation.length)
          expect(left).toBeGreaterThanOrEqual(0)
          for (const image of seen[2])
            expect(images.filter((each) => each === image).length).toBeGreaterThan(left)
        },
      ),
      { seed, numRuns: count },
    )
  },
)

test('the published sizes are met exactly where images have few questions each', () => {
  const images = Array.from({ length: 3600 }, (_, i) => `${Math.floor(i / 9)}.png`)
  const extra = Array.from({ length: 40 }, (_, i) => `single ${i}.png`)
  const {
    labelled,
    test: tested,
    validation,
    rest,
  } = splitByImage([...images, ...extra], {
    sizes: { test: 75, validation: 25, labelled: 1800 },
    seed: 7,
  })
  expect([tested.length, validation.length, labelled.length]).toEqual([75, 25, 1800])
  expect(rest.length).toBe(3640 - 1900)
  const other = splitByImage(images, { sizes: { test: 75 }, seed: 8 })
  expect([...other.test]).not.toEqual([...tested])
})
