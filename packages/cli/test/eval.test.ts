/** The flags of `evolmm eval`, without a model. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveHub, temporaryFolder } from '@evolmm/internal/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatSeconds } from '../src/texts'
import { drawChart, writeChartParquet, writeMathVista } from './support/charts'
import { completion, fakeLibrary } from './support/fake-library'
import { given, runCommand } from './support/run-command'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  file = join(folder, 'sums.jsonl')
  const rows = Array.from({ length: 25 }, (_, i) => ({
    image: 'a.png',
    question: `${i} + 1?`,
    answer: i % 5 === 0 ? '6' : `${i + 100}`,
  }))
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const answering = () => fakeLibrary({ completions: [completion] })

function evaluated(...flags: string[]) {
  return runCommand(['eval', '--tasks', file, ...flags], { library: answering() })
}

/** Files of a run without their dates. */
function filesOf(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path).map((name) => [name.slice(15), readFileSync(join(path, name), 'utf8')]),
  )
}

test('a run prints one table on standard output, with mode, judge, revision, rows and fallbacks', async () => {
  const { code, stdout } = await evaluated('--model', 'org/name')
  expect(code).toBe(0)
  // 5 of 25; the standard error is sqrt(0.2 * 0.8 * 25 / 24) / 5.
  expect(stdout.replace(/files-\w{8}/, 'files-00000000')).toBe(
    [
      'org/name',
      '',
      '| task | metric   | value | stderr | rows | fallback | mode  | judge | revision       |',
      '| ---- | -------- | ----: | -----: | ---: | -------: | ----- | ----- | -------------- |',
      '| sums | accuracy |   0.2 | 0.0816 |   25 |    0.0 % | fixed | none  | files-00000000 |',
      '',
    ].join('\n'),
  )
})

test("lmms-eval's flags mean what they mean there", async () => {
  const { code, calls, stdout } = await evaluated(
    ...[
      '--model',
      'qwen2_5_vl',
      '--model_args',
      'pretrained=org/name,device=cuda:0,max_pixels=100352,min_pixels=784',
    ],
    ...['--gen_kwargs', 'temperature=0.5,top_p=0.9,max_new_tokens=7', '--batch-size=2', '--limit', '3'],
    ...['--offset', '4', '--seed', '11,1234,1234,1234', '--mode', 'rule-based', '--json'],
  )
  expect(code).toBe(0)
  expect(given(calls, 'loadVlm')).toMatchObject([
    'org/name',
    { device: 'cuda', imageOptions: { maxPixels: 100352, minPixels: 784 } },
  ])
  const samples = calls.filter(([name]) => name === 'sample').map(([, value]) => value)
  expect(samples).toMatchObject([
    {
      temperature: 0.5,
      topP: 0.9,
      maxNewTokens: 7,
      seeds: [
        [11, expect.any(Number), 4],
        [11, expect.any(Number), 5],
      ],
    },
    { seeds: [[11, expect.any(Number), 6]] },
  ])
  // Equal images of neighbouring rows go through the vision tower once.
  expect(calls.filter(([name]) => name === 'encodeImage')).toHaveLength(1)
  expect(JSON.parse(stdout)).toMatchObject({
    model: 'org/name',
    tasks: [{ task: 'sums', mode: 'rule-based', rows: 3, all_rows: 25, fallback_share: 0 }],
    files: null,
  })
})

test('-1 is no limit, a share is one, do_sample decides about temperature', async () => {
  const rows = async (limit: string) =>
    (
      JSON.parse((await evaluated('--model', 'm/n', '--limit', limit, '--json')).stdout) as {
        tasks: { rows: number }[]
      }
    ).tasks[0].rows
  expect([await rows('-1'), await rows('0.1'), await rows('2')]).toEqual([25, 3, 2])
  const temperature = async (kwargs: string) =>
    given((await evaluated('--model', 'm/n', '--limit', '1', '--gen_kwargs', kwargs)).calls, 'sample')
  expect(await temperature('do_sample=False,temperature=0.7,num_beams=1')).toMatchObject([{ temperature: 0 }])
  expect(await temperature('do_sample=True')).toMatchObject([{ temperature: 1 }])
})

test('answers end where until says; seeds may be None', async () => {
  const out = join(folder, 'out')
  const { code } = await evaluated(
    ...['--model', 'm/n', '--limit', '1', '--output_path', out],
    ...['--gen_kwargs', 'until=6', '--seed', 'None,1234,None'],
  )
  expect(code).toBe(0)
  const { '_samples_sums.jsonl': line = '' } = filesOf(join(out, 'm__n'))
  expect(JSON.parse(line)).toMatchObject({ filtered_resps: [''], evolmm: { raw: '6' } })
})

test("lmms-eval's flags that mean nothing here are left out with a warning", async () => {
  const flags = ['--verbosity=DEBUG', '--apply_chat_template', '--use-cache', 'a/b', '--num_fewshot', '0']
  const { code, stderr } = await evaluated('--model', 'm/n', '--limit', '1', ...flags)
  expect(code).toBe(0)
  expect(stderr.match(/^warning: .*$/gm)).toEqual(
    ['--apply_chat_template', '--verbosity', '--use_cache'].map(
      (flag) => `warning: ${flag}: means nothing here and is left out`,
    ),
  )
})

/** A task in one file, as one would write it. */
const ownTask = `
export const halves = {
  name: 'halves',
  version: 1,
  source: { file: FILE },
  generation: { maxNewTokens: 3 },
  prompt: ({ question }) => ({ text: question, images: [] }),
  target: ({ answer }) => answer,
  score: ({ answer }, said) => ({ values: { accuracy: said === answer ? 0.5 : 0 } }),
  aggregate: (scores) => ({ accuracy: scores.reduce((sum, { values }) => sum + values.accuracy, 0) }),
  higherIsBetter: { accuracy: true },
}
export const notATask = { name: 'x' }
export default 7
`

test('a task is added by adding a file', async () => {
  const own = join(folder, 'own')
  mkdirSync(own)
  writeFileSync(join(own, 'halves.mjs'), ownTask.replace('FILE', JSON.stringify(file)))
  writeFileSync(join(own, 'notes.txt'), '')
  for (const path of [own, join(own, 'halves.mjs')]) {
    const { code, stdout, stderr } = await runCommand(
      ['eval', '--model', 'm/n', '--include_path', path, '--tasks', 'halves', '--json'],
      { library: answering() },
    )
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      tasks: [{ task: 'halves', metrics: { accuracy: 2.5 }, rows: 25 }],
    })
  }
  writeFileSync(join(own, 'wrong.mjs'), 'throw new Error("no")')
  writeFileSync(join(own, 'none.mjs'), 'export const a = null')
  const messages: [string, string][] = [
    [join(own, 'wrong.mjs'), 'must be a module that can be imported, got no; correct it'],
    [join(own, 'none.mjs'), 'got none there'],
    [join(own, 'notes.txt'), 'got none there'],
    [join(own, 'gone'), 'got nothing there'],
  ]
  for (const [path, message] of messages) {
    const { code, stderr } = await evaluated('--model', 'm/n', '--include_path', path)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  }
})

test('breakdowns are printed when asked for', async () => {
  await writeMathVista(folder)
  const argv = ['eval', '--model', 'm/n', '--tasks', 'mathvista_testmini_cot', '--data_dir', folder]
  const { stdout, stderr } = await runCommand([...argv, '--mode', 'rule-based', '--breakdown'], {
    library: answering(),
  })
  expect(stdout, stderr).toMatch(/^\| mathvista_testmini_cot \| task +\| FQA +\| +50 \| +1\/2 \|$/m)
  expect(stdout).toMatch(/^\| mathvista_testmini_cot \| task +\| GPS +\| +100 \| +1\/1 \|$/m)
})

test('a diagnosis shows what drawing, voting and looking add, and writes nothing', async () => {
  const library = answering()
  const [seven, six] = [{ ...completion, text: '7' }, completion]
  const drawing = {
    ...library,
    loadVlm: async (...args: Parameters<typeof library.loadVlm>) => {
      const vlm = await library.loadVlm(...args)
      return {
        ...vlm,
        // Greedy 6; of four samples one is 6.
        sample: async (options: Parameters<typeof vlm.sample>[0]) => {
          const groups = await vlm.sample(options)
          return groups.map(() => ((options.temperature ?? 0) === 0 ? [six] : [seven, six, seven, seven]))
        },
      }
    },
  }
  const argv = ['eval', '--tasks', file, '--model', 'm/n', '--diagnose', '4', '--batch_size', '10']
  const { code, stdout, stderr } = await runCommand(
    [...argv, '--gen_kwargs', 'max_new_tokens=9,temperature=0.7'],
    {
      library: drawing,
    },
  )
  expect(code, stderr).toBe(0)
  // 5 of 25 are 6: greedy and blind alike, pass@4 too; the vote of 7 is wrong everywhere.
  expect(stdout.replace(/files-\w{16}/, 'files-0')).toBe(
    [
      '| task | questions | known | greedy | pass@4 | - greedy | majority@4 | agreement | its error | its AUC |  blind |    gap |    95 % interval | same blind |',
      '| ---- | --------: | ----: | -----: | -----: | -------: | ---------: | --------: | --------: | ------: | -----: | -----: | ---------------: | ---------: |',
      '| sums |        25 |    25 | 0.2000 | 0.2000 |   0.0000 |     0.0000 |    0.7500 |    0.7500 |       - | 0.2000 | 0.0000 | 0.0000 to 0.0000 |     1.0000 |',
      '',
      'sums: 25 rows, mode fixed, judge none, revision files-0',
      '',
    ].join('\n'),
  )
  expect(stderr).toMatch(/^ 40 % of 25 rows, sums, \d+ s left$/m)
  const samples = library.calls.filter(([name]) => name === 'sample').map(([, value]) => value)
  expect(samples.slice(0, 3)).toMatchObject([
    { temperature: 0, maxNewTokens: 9 },
    { temperature: 0.7, samples: 4, maxNewTokens: 9 },
    { temperature: 0, maxNewTokens: 9 },
  ])
  const json = await runCommand([...argv, '--json', '--limit', '0.2', '--offset', '3'], { library: drawing })
  expect(JSON.parse(json.stdout)).toMatchObject({
    tasks: [
      {
        ...{ task: 'sums', mode: 'fixed', judge: null, questions: 5, known: 5, greedy: 0.2, agreement: 0.75 },
        groups: [
          { k: 1, pass: 0.05, pass_minus_greedy: expect.closeTo(-0.15, 9) as number },
          { k: 2 },
          { k: 4 },
        ],
        blind: { accuracy: 0.2, same_answer: 1 },
      },
    ],
  })
})

test('questions that a model made up itself can be diagnosed: their right answers are null', async () => {
  writeFileSync(file, '{"image": "a.png", "question": "How many?", "answer": null}\n')
  const { stdout } = await evaluated('--model', 'm/n', '--diagnose', '1', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: [{ questions: 1, known: 0, greedy: null, agreement: 1, blind: { same_answer: 1, gap: null } }],
  })
})

test('an adapter is given as a flag or among the arguments of the model', async () => {
  for (const flags of [
    ['--adapter', 'solver', '--adapter_subfolder', 'a'],
    ['--model_args', 'adapter=solver,adapter_subfolder=a'],
  ]) {
    const { calls } = await evaluated('--model', 'm/n', '--limit', '1', ...flags)
    expect(given(calls, 'loadAdapter')).toMatchObject(['solver', { adapterName: 'a' }])
    expect(given(calls, 'sample')).toMatchObject([{ adapter: { dropout: 0.25 } }])
  }
})

test('what is meant for another implementation is left out with a warning', async () => {
  const args = 'pretrained=m/n,attn_implementation=flash_attention_2,system_prompt=Be brief.'
  const { code, stderr, calls } = await evaluated('--limit', '1', '--model_args', args)
  expect(code).toBe(0)
  expect(stderr).toContain('warning: --model_args attn_implementation: means nothing here and is left out\n')
  expect(given(calls, 'prompt')).toMatchObject([{ system: 'Be brief.' }])
})

test('files carry the suffix; without logged samples there are none', async () => {
  const out = join(folder, 'out')
  const run = (...flags: string[]) =>
    evaluated('--model', 'm/n', '--limit', '2', '--output_path', out, ...flags)
  const { stdout, stderr } = await run('--log_samples', '--log_samples_suffix', 'first')
  expect(stdout).not.toContain(out)
  expect(stderr).toContain('_samples_sums_first.jsonl\n')
  expect(Object.keys(filesOf(join(out, 'm__n'))).sort()).toEqual([
    '_results.json',
    '_samples_sums_first.jsonl',
  ])
  rmSync(out, { recursive: true })
  await run('--no-log-samples')
  expect(Object.keys(filesOf(join(out, 'm__n')))).toEqual(['_results.json'])
})

test('--predict_only writes answers and scores nothing', async () => {
  const out = join(folder, 'out')
  const flags = ['--model', 'm/n', '--limit', '2', '--output_path', out, '--predict_only']
  const { code, stdout } = await evaluated(...flags)
  expect(code).toBe(0)
  expect(stdout).toMatch(/\| sums \| - +\| +- \| +- \| 2 of 25, 2 unscored \|/)
  const { '_samples_sums.jsonl': lines = '' } = filesOf(join(out, 'm__n'))
  expect(
    lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { doc_id: 0, filtered_resps: ['6'], evolmm: { values: {} } },
    { doc_id: 1, filtered_resps: ['6'], evolmm: { values: {} } },
  ])
})

test('data comes from the hub at a revision, unless a folder has it', async () => {
  await writeChartParquet(folder, [await drawChart(1)])
  const name = 'data/test-00000-of-00001.parquet'
  const commit = 'f'.repeat(40)
  const hub = await serveHub({
    ...{ id: 'lmms-lab/ChartQA', commit, type: 'datasets', branches: ['v2'] },
    files: {
      [name]: readFileSync(join(folder, 'lmms-lab', 'ChartQA', name)),
      'data/train-0.parquet': 'other',
    },
  })
  const argv = ['eval', '--model', 'm/n', '--tasks', 'chartqa', '--json']
  const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: temporaryFolder() }
  const run = (...flags: string[]) => runCommand([...argv, ...flags], { library: answering(), environment })
  const downloaded = await run('--data_revision', 'v2')
  expect(JSON.parse(downloaded.stdout)).toMatchObject({ tasks: [{ revision: commit, rows: 2 }] })
  expect(hub.requests.filter(({ path }) => path.includes('train'))).toEqual([])
  const requests = hub.requests.length
  const local = await run('--data_dir', folder)
  expect(JSON.parse(local.stdout)).toMatchObject({ tasks: [{ rows: 2 }] })
  expect(hub.requests).toHaveLength(requests)
})

test('progress: a live line with the time left on a terminal, every tenth elsewhere', async () => {
  const piped = await evaluated('--model', 'm/n', '--batch_size', '1')
  expect(piped.stderr.split('\n').map((line) => line.replace(/, \d+ s left$/, ', 1 s left'))).toEqual([
    ...[12, 20, 32, 40, 52, 60, 72, 80, 92, 100].map(
      (share) => `${String(share).padStart(3)} % of 25 rows, sums, 1 s left`,
    ),
    '',
  ])
  const { stderr } = await runCommand(['eval', '--tasks', file, '--model', 'm/n', '--batch_size', '1'], {
    library: answering(),
    terminal: true,
    environment: { NO_COLOR: '1' },
  })
  expect(stderr.split('\u001b[K').map((line) => line.replace(/\d+ s/, '1 s'))).toContain(
    '\r 48 % of 25 rows, sums, 1 s left',
  )
  expect(stderr.endsWith('\r\u001b[K')).toBe(true)
  expect(stderr).not.toContain('\n')
})

test('times for people', () => {
  expect([0, 59, 59.2, 200, 3600, 7490].map(formatSeconds)).toEqual([
    '0 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '1 h 0 min',
    '2 h 5 min',
  ])
})

test('Ctrl-C ends a run between two batches with 130, and the same command continues it', async () => {
  const out = join(folder, 'out')
  const argv = ['eval', '--tasks', file, '--model', 'm/n', '--output_path', out, '--batch_size', '5']
  let interrupt: () => void = () => undefined
  const library = answering()
  const stopping = {
    ...library,
    loadVlm: async (...args: Parameters<typeof library.loadVlm>) => {
      const vlm = await library.loadVlm(...args)
      return {
        ...vlm,
        sample: (options: Parameters<typeof vlm.sample>[0]) => {
          if (library.calls.filter(([name]) => name === 'sample').length === 1) interrupt()
          return vlm.sample(options)
        },
      }
    },
  }
  const stopped = await runCommand(argv, {
    library: stopping,
    onInterrupt: (handler) => {
      interrupt = handler
      return () => undefined
    },
  })
  expect(stopped).toMatchObject({ code: 130, stdout: '' })
  expect(stopped.stderr).toMatch(/stopped; the same command continues from here\n$/)
  expect(library.calls.filter(([name]) => name === 'sample')).toHaveLength(2)

  const { code, stderr, calls } = await runCommand(argv, { library: answering() })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^continuing: 10 of 25 rows were done before\n/)
  expect(calls.filter(([name]) => name === 'sample')).toHaveLength(3)
})

test('--with_base runs the model twice and compares', async () => {
  const argv = [
    ...['--model', 'm/n', '--adapter', 'a/solver', '--with_base'],
    ...['--output_path', join(folder, 'out'), '--batch_size', '1'],
  ]
  const { code, stdout, calls } = await evaluated(...argv, '--limit', '5', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ model: 'm/n+solver', tasks: [{ metrics: { accuracy: 0.2 } }], names: ['base', 'solver'] },
    base: { model: 'm/n', tasks: [{ metrics: { accuracy: 0.2 } }] },
    compared: [{ task: 'sums', rows: 5, difference: 0, unlike: [] }],
  })
  expect(calls.filter(([name]) => name === 'loadVlm')).toHaveLength(1)
  const adapters = calls
    .filter(([name]) => name === 'sample')
    .map(([, value]) => (value as { adapter?: object }).adapter)
  expect(adapters.map((adapter) => adapter !== undefined)).toEqual([
    ...Array<boolean>(5).fill(false),
    ...Array<boolean>(5).fill(true),
  ])
  const table = await evaluated(...argv, '--limit', '5')
  expect(table.stdout).toMatch(/\| rows \| +base \| solver \|/)
  // Neither tables nor files of the adapter go by the name of the base.
  expect(table.stdout.match(/^m\/n.*$/gm)).toEqual(['m/n', 'm/n+solver'])
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['m__n', 'm__n+solver'])
})

test('two runs side by side, by their folders or their files', async () => {
  for (const name of ['a', 'b']) await evaluated('--model', 'm/n', '--output_path', join(folder, name))
  const paths = [join(folder, 'a'), join(folder, 'b')]
  const { code, stdout } = await runCommand(['eval', '--compare', ...paths])
  expect(code).toBe(0)
  expect(stdout).toMatch(/\| rows \| +a \| +b \|/)
  expect(stdout).toMatch(/\| sums \| accuracy \| +25 \| 0\.2000 \| 0\.2000 \|/)
  const file = readdirSync(join(folder, 'b', 'm__n')).find((name) => name.endsWith('_results.json')) ?? ''
  const same = await runCommand([
    'eval',
    '--compare',
    paths[0] ?? '',
    join(folder, 'b', 'm__n', file),
    '--json',
  ])
  expect(JSON.parse(same.stdout)).toMatchObject({
    compared: [{ task: 'sums', rows: 25, difference: 0, sign_test: 1 }],
  })
})

test('--tasks list names every task, its data, its judge and its metrics', async () => {
  const { code, stdout, calls } = await runCommand(['eval', '--tasks', 'list'])
  expect({ code, calls }).toEqual({ code: 0, calls: [] })
  expect(stdout).toMatch(/^chartqa +lmms-lab\/ChartQA +never +relaxed_overall, /m)
  const { tasks, groups } = JSON.parse((await runCommand(['eval', '--tasks', 'list', '--json'])).stdout) as {
    tasks: { name: string }[]
    groups: { name: string }[]
  }
  for (const { name } of [...tasks, ...groups]) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'))
  expect(tasks.map(({ name }) => name)).toContain('mmmu_val')
})

test('a run without answers beside it cannot be compared', async () => {
  mkdirSync(join(folder, 'a'))
  await evaluated('--model', 'm/n', '--output_path', join(folder, 'a'), '--no_log_samples')
  const { code, stderr } = await runCommand(['eval', '--compare', join(folder, 'a'), join(folder, 'a')])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^evolmm: .*must be a results file with its samples files beside it.*\n$/)
})
