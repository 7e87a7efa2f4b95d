/**
 * Bar charts with questions and right answers, as one's own JSON-lines file and as the parquet file that ChartQA is on
 * the hub. The same number gives the same chart.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import sharp from 'sharp'

export interface Chart {
  /** File of the image. */
  name: string
  png: Uint8Array
  questions: { question: string; answer: string }[]
}

const colors = { red: [200, 40, 40], green: [40, 160, 60], blue: [50, 70, 200] } as const
type Color = keyof typeof colors
const names = Object.keys(colors) as Color[]
const side = 56

export async function drawChart(number: number): Promise<Chart> {
  // Three different heights from 1 to 5.
  const left = [1, 2, 3, 4, 5]
  const heights = names.map((_, i) => left.splice((number * (i + 2) + i) % left.length, 1)[0] ?? 0)
  const pixels = Buffer.alloc(side * side * 3, 255)
  for (const [i, name] of names.entries())
    for (let y = side - 10 * (heights[i] ?? 0); y < side; y++)
      for (let x = 4 + 17 * i; x < 17 + 17 * i; x++) pixels.set(colors[name], 3 * (y * side + x))
  const png = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()
  const tallest = names[heights.indexOf(Math.max(...heights))] ?? ''
  const [red = 0, green = 0] = heights
  return {
    name: `chart-${number}.png`,
    png: new Uint8Array(png),
    questions: [
      { question: 'Which bar is the tallest?', answer: tallest },
      { question: 'Is the red bar taller than the green bar?', answer: red > green ? 'Yes' : 'No' },
    ],
  }
}

/** `charts.jsonl` and its images in a folder. */
export function writeChartLines(folder: string, charts: readonly Chart[]): string {
  for (const { name, png } of charts) writeFileSync(join(folder, name), png)
  const lines = charts.flatMap(({ name: image, questions }) =>
    questions.map((one) => JSON.stringify({ image, ...one })),
  )
  const file = join(folder, 'charts.jsonl')
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

/** `FOLDER/lmms-lab/ChartQA/data/test-00000-of-00001.parquet` with the columns and types of the real one. */
export async function writeChartParquet(folder: string, charts: readonly Chart[]): Promise<void> {
  const data = join(folder, 'lmms-lab', 'ChartQA', 'data')
  mkdirSync(data, { recursive: true })
  const utf8 = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const
  await parquetWriteRows({
    writer: fileWriter(join(data, 'test-00000-of-00001.parquet')),
    rows: charts.flatMap(({ png, questions }) =>
      questions.map(({ question, answer }, i) => ({
        type: i === 0 ? 'human_test' : 'augmented_test',
        question,
        answer,
        image: { bytes: png, path: null },
      })),
    ),
    columns: ['type', 'question', 'answer', 'image'].map((name) => ({ name })),
    schema: [
      { name: 'schema', num_children: 4 },
      { name: 'type', ...utf8 },
      { name: 'question', ...utf8 },
      { name: 'answer', ...utf8 },
      { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', ...utf8 },
    ],
    rowGroupSize: 5,
  })
}

/** Puts what `writeChartParquet` wrote into a cache of the hub; returns its HF_HOME. */
export function cacheChartqa(folder: string): string {
  const home = join(folder, 'huggingface')
  const repository = join(home, 'hub', 'datasets--lmms-lab--ChartQA')
  const commit = 'f'.repeat(40)
  cpSync(join(folder, 'lmms-lab', 'ChartQA'), join(repository, 'snapshots', commit), { recursive: true })
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs', 'main'), commit)
  return home
}

/** `FOLDER/AI4Math/MathVista/data/…`: three questions whose right answer is 6, two of figures and one of geometry. */
export async function writeMathVista(folder: string): Promise<void> {
  const data = join(folder, 'AI4Math', 'MathVista', 'data')
  mkdirSync(data, { recursive: true })
  const { png } = await drawChart(0)
  const task = { figure: 'figure question answering', geometry: 'geometry problem solving' }
  const rows = [
    { answer: '6', task: task.figure },
    { answer: '7', task: task.figure },
    { answer: '6', task: task.geometry },
  ]
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const
  const texts = ['pid', 'question', 'unit', 'answer', 'question_type', 'answer_type', 'query']
  await parquetWriteRows({
    writer: fileWriter(join(data, 'testmini-00000-of-00001.parquet')),
    rows: rows.map((row, i) => ({
      ...{ pid: String(i), question: 'How many?', unit: null, answer: row.answer },
      ...{ question_type: 'free_form', answer_type: 'integer', query: 'How many?' },
      ...{
        choices: null,
        precision: null,
        decoded_image: { bytes: png, path: null },
        metadata: { task: row.task },
      },
    })),
    columns: [...texts, 'choices', 'precision', 'decoded_image', 'metadata'].map((name) => ({ name })),
    schema: [
      { name: 'schema', num_children: texts.length + 4 },
      ...texts.map((name) => ({ name, ...text })),
      { name: 'choices', ...text },
      { name: 'precision', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
      { name: 'decoded_image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', ...text },
      { name: 'metadata', num_children: 1, repetition_type: 'OPTIONAL' },
      { name: 'task', ...text },
    ],
  })
}
