/** Charts as files: a folder of images without a word about them, or with questions beside them for `evolmm eval` and `mstar`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chart } from './chart'
import { chartPng } from './draw-chart'
import type { LabelledPair } from './labelled-pairs'
import type { AskedChart } from './step-questions'

/** Writes each chart once, as `chart-SEED.png`; files of that name are replaced. Returns the paths. */
export async function writeCharts(folder: string, charts: readonly Chart[]): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const bySeed = new Map(charts.map((chart) => [chart.seed, chart]))
  const paths: string[] = []
  for (const chart of bySeed.values()) {
    const path = join(folder, fileName(chart))
    await writeFile(path, await chartPng(chart))
    paths.push(path)
  }
  return paths
}

/**
 * Writes the charts and `questions.jsonl`, each line with `image`, `question`, `answer` and `kind`: a task for
 * `evolmm eval --tasks FOLDER/questions.jsonl`. Returns the path of that file.
 */
export async function writeLabelledPairs(folder: string, pairs: readonly LabelledPair[]): Promise<string> {
  await writeCharts(
    folder,
    pairs.map(({ chart }) => chart),
  )
  const lines = pairs.map(({ chart, question, answer, kind }) =>
    JSON.stringify({ image: fileName(chart), question, answer, kind }),
  )
  const path = join(folder, 'questions.jsonl')
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

/**
 * Writes the charts and `NAME.jsonl` beside them, each line with `image`, `question`, `answer`, `options`, `kind` (`choice` or
 * `free`) and `source` (the kind of question): data for `evolmm mstar`. Returns the path of that file.
 */
export async function writeAskedCharts(
  folder: string,
  name: string,
  asked: readonly AskedChart[],
): Promise<string> {
  await writeCharts(
    folder,
    asked.map(({ chart }) => chart),
  )
  const lines = asked.map(({ chart, kind: source, question, answer, options }) =>
    JSON.stringify({
      image: fileName(chart),
      question,
      answer,
      options,
      kind: options.length > 0 ? 'choice' : 'free',
      source,
    }),
  )
  const path = join(folder, `${name}.jsonl`)
  await writeFile(path, lines.map((line) => `${line}\n`).join(''))
  return path
}

function fileName({ seed }: Chart): string {
  return `chart-${seed}.png`
}
