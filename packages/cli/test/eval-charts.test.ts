/**
 * `evolmm eval` from end to end: the tiny checkpoint and an adapter of it on generated charts, as the parquet file of
 * ChartQA and as JSON lines. The adapter has learned its answers by heart, those about the last chart wrongly, so that
 * what it must score is known. The table in the README of @evolmm/eval is this one.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bundleScript } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { library } from '../src/installed-library'
import { cacheChartqa, drawChart, writeChartLines, writeChartParquet, type Chart } from './support/charts'
import { learnCharts } from './support/learn-charts'
import { runCommand } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const readme = readFileSync(new URL('../../eval/README.md', import.meta.url), 'utf8')

let folder: string
let charts: Chart[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  charts = await Promise.all([0, 1, 2, 3, 4, 5].map(drawChart))
  writeChartLines(folder, charts)
  await writeChartParquet(folder, charts)
  const lessons = charts.map((chart, i) => ({
    ...chart,
    questions: chart.questions.map(({ question, answer }) => ({
      question,
      answer: i < charts.length - 1 ? answer : 'purple',
    })),
  }))
  await learnCharts(model, lessons, join(folder, 'solver'))
  // It learns, which is slow on a busy machine.
}, 60_000)
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function argv(name: string, ...flags: string[]): string[] {
  const tasks = ['--tasks', `chartqa,${join(folder, 'charts.jsonl')}`, '--data_dir', folder]
  return ['eval', '--model', model, ...tasks, '--output_path', join(folder, name), ...flags]
}

async function evaluated(name: string, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(argv(name, ...flags), { library })
  expect(code, stderr).toBe(0)
  return stdout
}

/** The cells of a Markdown table, without its header. */
function cells(table: string): string[][] {
  return table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

test('base and adapter score what they must, and the comparison is the table of the README', async () => {
  const flags = ['--batch_size', '4', '--seed', '7']
  const base = cells(await evaluated('results/base', ...flags))
  const solver = cells(await evaluated('results/solver', ...flags, '--adapter', join(folder, 'solver')))
  // 5 of 6 charts with 2 questions each; answers of random weights are no words.
  const expected = (value: string) => [
    ['chartqa', 'relaxed_overall', value],
    ['chartqa', 'relaxed_human_split', value],
    ['chartqa', 'relaxed_augmented_split', value],
    ['charts', 'accuracy', value],
  ]
  expect(base.map((row) => row.slice(0, 3))).toEqual(expected('0'))
  expect(solver.map((row) => row.slice(0, 3))).toEqual(expected('0.8333'))
  for (const row of [...base, ...solver]) {
    expect(row.slice(4, 8)).toEqual(['12', '0.0 %', 'fixed', 'none'])
    expect(row[8]).toMatch(/^files-[0-9a-f]{8}$/)
  }

  const runs = [join(folder, 'results/base'), join(folder, 'results/solver')]
  const { code, stdout, stderr } = await runCommand(['eval', '--compare', ...runs])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(readme).toContain(stdout)

  // One command does all that, that of the README, and the model is loaded once.
  const [, line = ''] = /^evolmm (eval .*--with_base.*)$/m.exec(readme) ?? []
  const places = new Map([
    ['./checkpoint', model],
    ['./solver', join(folder, 'solver')],
    ['chartqa,charts.jsonl', `chartqa,${join(folder, 'charts.jsonl')}`],
    ['results', join(folder, 'results/both')],
  ])
  const words = line.split(' ').map((word) => places.get(word) ?? word)
  const { stdout: both } = await runCommand([...words, '--data_dir', folder, ...flags], { library })
  expect(both.endsWith(`\n\n${stdout}`)).toBe(true)
  expect(cells(both).slice(0, 4)).toEqual(base)

  const { stdout: json } = await runCommand(['eval', '--compare', ...runs, '--json'])
  const { compared } = JSON.parse(json) as { compared: Record<string, unknown>[] }
  expect(compared).toHaveLength(4)
  expect(compared.find(({ metric }) => metric === 'accuracy')).toMatchObject({
    rows: 12,
    first: 0,
    wins: 10,
    losses: 0,
    sign_test: 2 ** -9,
  })
})

test('answers do not depend on the batch, and both texts of each are written down', async () => {
  for (const size of ['1', '5', 'auto'])
    await evaluated(size, '--adapter', join(folder, 'solver'), '--limit', '5', '--batch_size', size)
  const [one, five, some] = [samples('1'), samples('5'), samples('auto')]
  expect(one).toEqual(five)
  expect(some).toEqual(one)
  const rows = one.chartqa.map(
    (line) => JSON.parse(line) as { filtered_resps: string[]; evolmm: { raw: string } },
  )
  const answers = charts.flatMap(({ questions }) => questions.map(({ answer }) => answer)).slice(0, 5)
  expect(rows.map(({ filtered_resps, evolmm }) => [filtered_resps, evolmm.raw])).toEqual(
    answers.map((answer) => [[answer], answer]),
  )
})

function runFolder(name: string): string {
  return join(folder, name, 'fixtures__qwen2_5_vl-tiny')
}

/** Lines of the files of answers, by task. */
function samples(name: string): Record<'chartqa' | 'charts', string[]> {
  const lines = (task: string) => {
    const file = readdirSync(runFolder(name)).find((entry) => entry.endsWith(`_samples_${task}.jsonl`))
    return readFileSync(join(runFolder(name), file ?? ''), 'utf8')
      .trim()
      .split('\n')
  }
  return { chartqa: lines('chartqa'), charts: lines('charts') }
}

function journalLines(name: string): string[] {
  const files = existsSync(runFolder(name)) ? readdirSync(runFolder(name)) : []
  const file = files.find((entry) => entry.endsWith('.partial.jsonl'))
  return file === undefined
    ? []
    : readFileSync(join(runFolder(name), file), 'utf8')
        .split('\n')
        .slice(0, -1)
}

test('a killed run is continued: no row again, no row lost, the same answers', async () => {
  // As long as answers may be, so that there is time to kill it.
  const flags = ['--gen_kwargs', 'max_new_tokens=48,temperature=1,top_p=0.9', '--seed', '3']
  const main = await bundleScript(new URL('support/real-main.ts', import.meta.url))
  const child = spawn(process.execPath, [main.file, ...argv('killed', ...flags)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  while (child.exitCode === null && journalLines('killed').length < 3) await sleep(2)
  child.kill('SIGKILL')
  const [, signal] = (await ended) as [unknown, string | null]
  main.remove()
  expect(signal).toBe('SIGKILL')
  const done = journalLines('killed').length
  expect(done).toBeGreaterThanOrEqual(3)
  expect(done).toBeLessThan(24)

  const { code, stderr } = await runCommand(argv('killed', ...flags), { library })
  expect(code).toBe(0)
  expect(stderr).toContain(`continuing: ${done} of 24 rows were done before\n`)
  await evaluated('undisturbed', ...flags)
  expect(samples('killed')).toEqual(samples('undisturbed'))
  expect(journalLines('killed')).toEqual([])
})

/** The evaluation command of EvoLMM's README, word for word. */
const published = `
accelerate launch --num_processes=8 --main_process_port=12346 -m lmms_eval \\
--model qwen2_5_vl_our \\
--model_args=pretrained=Qwen/Qwen2.5-VL-7B-Instruct,base_model=Qwen/Qwen2.5-VL-7B-Instruct,lora_path=/path/to/runs/exp1/step_xxxxx/solver,max_pixels=12845056,interleave_visuals=False \\
--tasks chartqa \\
--batch_size 1 \\
--output_path /workspace/lmms-eval/eval_results/exp1 \\
`

test("the evaluation command of EvoLMM's README runs as printed", async () => {
  // The names of the hub are in its cache, and what is a path of the authors' machine is one of this one.
  const environment = { HF_HOME: cacheChartqa(folder), HF_HUB_OFFLINE: '1' }
  const repository = join(environment.HF_HOME, 'hub', 'models--Qwen--Qwen2.5-VL-7B-Instruct')
  const commit = 'e'.repeat(40)
  cpSync(model, join(repository, 'snapshots', commit), { recursive: true })
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs', 'main'), commit)
  const output = join(folder, 'published')
  const [, arguments_ = ''] = published.split('-m lmms_eval')
  const words = arguments_
    .replace('/path/to/runs/exp1/step_xxxxx/solver', join(folder, 'solver'))
    .replace('/workspace/lmms-eval/eval_results/exp1', output)
    .split(/[\s\\]+/)
    .filter((word) => word !== '')
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const { code, stdout, stderr } = await runCommand(['eval', ...words], { library, environment })
  vi.unstubAllEnvs()
  expect(code, stderr).toBe(0)
  expect(cells(stdout).map((row) => row.slice(0, 3))).toEqual([
    ['chartqa', 'relaxed_overall', '0.8333'],
    ['chartqa', 'relaxed_human_split', '0.8333'],
    ['chartqa', 'relaxed_augmented_split', '0.8333'],
  ])
  expect(stderr).not.toContain('warning')
  expect(readdirSync(join(output, 'Qwen__Qwen2.5-VL-7B-Instruct'))).toHaveLength(2)
})
