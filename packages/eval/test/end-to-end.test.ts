import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { diagnose, evaluate, findTasks, formatEvaluation, taskQuestions } from '../src'
import { fakeSampler } from './support/fake-sampler'

/** ChartQA as it is on the hub, of bars whose height is the byte of their image. */
async function writeChartqa(folder: string, count: number): Promise<void> {
  mkdirSync(join(folder, 'data'))
  const element = { repetition_type: 'OPTIONAL' } as const
  const text = { ...element, type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const
  await parquetWriteRows({
    writer: fileWriter(join(folder, 'data', 'test-00000-of-00001.parquet')),
    rows: Array.from({ length: count }, (_, i) => ({
      type: i % 2 === 0 ? 'human_test' : 'augmented_test',
      question: `How high is bar ${i}?`,
      answer: String(10 * i + 10),
      image: { bytes: Uint8Array.of(i), path: `${i}.png` },
    })),
    columns: ['type', 'question', 'answer', 'image'].map((name) => ({ name })),
    schema: [
      { name: 'root', num_children: 4 },
      { ...text, name: 'type' },
      { ...text, name: 'question' },
      { ...text, name: 'answer' },
      { ...element, name: 'image', num_children: 2 },
      { ...element, type: 'BYTE_ARRAY', name: 'bytes' },
      { ...text, name: 'path' },
    ],
    rowGroupSize: 4,
  })
}

/** Reads the height off the image; 4 % too high for odd bars, twice as high for every fifth; blind it says 10. */
const sampler = fakeSampler({
  name: 'org/reader',
  say: ({ images: [image] }) => {
    if (!(image instanceof Uint8Array)) return '10'
    const height = 10 * image[0] + 10
    if (image[0] % 5 === 4) return String(2 * height)
    return `<answer>${image[0] % 2 === 1 ? height * 1.04 : height}</answer>`
  },
})

test('a published task is run from a parquet file to the files and the table of results', async () => {
  const folder = temporaryFolder()
  await writeChartqa(folder, 20)
  const evaluation = await evaluate({
    tasks: findTasks(['chartqa']),
    sampler,
    data: { folder },
    output_path: join(folder, 'out'),
    batch_size: 3,
  })
  // Wrong: rows 4, 14 (human) and 9, 19 (augmented).
  expect(evaluation.tasks[0].metrics).toEqual({
    relaxed_overall: 0.8,
    relaxed_human_split: 0.8,
    relaxed_augmented_split: 0.8,
  })
  expect(formatEvaluation(evaluation)).toMatch(
    /\| chartqa \| relaxed_overall +\| +0\.8 \| +0\.0918 \| +20 \|/,
  )
  const results = JSON.parse(readFileSync(evaluation.files?.results ?? '', 'utf8')) as {
    results: unknown
    configs: unknown
  }
  expect(results.results).toMatchObject({ chartqa: { 'relaxed_overall,none': 0.8 } })
  expect(results.configs).toMatchObject({
    chartqa: { dataset_path: 'lmms-lab/ChartQA', dataset_name: 'default', test_split: 'test' },
  })
})

test('a published task is diagnosed', async () => {
  const folder = temporaryFolder()
  await writeChartqa(folder, 20)
  const [task] = findTasks(['chartqa'])
  const diagnosis = await diagnose({
    questions: taskQuestions(task, { data: { folder } }),
    sampler,
    samples: 2,
    batch_size: 8,
  })
  expect(diagnosis).toMatchObject({
    questions: 20,
    greedy: 0.8,
    agreement: 1,
    groups: [{ k: 1, pass: 0.8, passMinusGreedy: 0, majority: 0.8 }, { k: 2 }],
    blind: { accuracy: 0.05, gap: { difference: 0.75 } },
  })
})
