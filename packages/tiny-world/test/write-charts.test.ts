import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileTask } from '@evolmm/eval'
import { decodeImage } from '@evolmm/vlm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  askCharts,
  drawChart,
  labelledPairs,
  splitChart,
  writeAskedCharts,
  writeCharts,
  writeLabelledPairs,
} from '../src/index'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-charts-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('a folder of charts holds images alone, pixel for pixel those that are drawn', async () => {
  const charts = [0, 1, 2, 1].map((i) => splitChart('evolve', i))
  const paths = await writeCharts(join(folder, 'raw'), charts)
  expect(paths.length).toBe(3)
  expect((await readdir(join(folder, 'raw'))).length).toBe(3)
  for (const [i, path] of paths.entries()) {
    const { data } = await decodeImage(path)
    expect(Buffer.from(data).equals(Buffer.from((await drawChart(charts[i])).data))).toBe(true)
  }
})

test('labelled charts are a task for evaluation', async () => {
  const pairs = labelledPairs({ split: 'tune', charts: 3 })
  const file = await writeLabelledPairs(join(folder, 'labelled'), pairs)
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  expect(lines.length).toBe(6)
  const task = fileTask({ file, scorer: 'exact', instruction: '' })
  for (const [i, line] of lines.entries()) {
    const row = JSON.parse(line) as Record<string, string>
    expect(task.prompt(row).text).toBe(pairs[i].question)
    expect(task.target(row)).toBe(pairs[i].answer)
    const [image] = task.prompt(row).images as string[]
    expect((await decodeImage(image)).shape[1]).toBe(112)
  }
})

test('questions of several steps are rows with options, a sort and a source', async () => {
  const asked = askCharts({ split: 'tune', charts: 3 })
  const file = await writeAskedCharts(join(folder, 'asked'), 'train', asked)
  expect(file).toBe(join(folder, 'asked', 'train.jsonl'))
  const rows = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(rows).toEqual(
    asked.map(({ chart, kind, question, answer, options }) => ({
      ...{ image: `chart-${chart.seed}.png`, question, answer, options, source: kind },
      kind: options.length === 0 ? 'free' : 'choice',
    })),
  )
  expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['free', 'choice']))
  expect((await readdir(join(folder, 'asked'))).length).toBe(4)
})
