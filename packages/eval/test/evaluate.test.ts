import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import type { SampleOptions } from '@evolmm/vlm'
import type { SampleRequest } from '../src/ask'
import { fileTask } from '../src/file-task'
import { taskQuestions } from '../src/diagnostics/questions'
import { evaluate } from '../src/run/evaluate'
import { folderName } from '../src/run/folder-name'
import { formatBreakdown, formatEvaluation } from '../src/run/format-evaluation'
import type { Progress } from '../src/run/progress'
import type { Task } from '../src/task'
import { fakeSampler, type Settings } from './support/fake-sampler'
import { writeSums } from './support/sums'

function sums(count: number): { task: Task; folder: string } {
  const folder = temporaryFolder()
  return { folder, task: fileTask({ file: writeSums(folder, count), scorer: 'exact' }) }
}

test('the results file has the keys of lmms-eval', async () => {
  const { task, folder } = sums(9)
  const { files, date } = await evaluate({
    tasks: [task],
    sampler: { ...fakeSampler({ name: '/models/Qwen/Qwen2.5-VL-7B' }), identity: () => ({ adapter: 'x' }) },
    output_path: join(folder, 'out'),
    now: () => new Date(2026, 0, 2, 3, 4, 5),
    judge: { name: 'judge-1', ask: () => Promise.resolve('') },
    limit: 8,
    offset: 1,
    batch_size: 4,
    generation: { maxNewTokens: 7, until: ['###'] },
  })
  expect(date).toBe('20260102_030405')
  expect(files).toEqual({
    results: join(folder, 'out/Qwen__Qwen2.5-VL-7B/20260102_030405_results.json'),
    samples: [join(folder, 'out/Qwen__Qwen2.5-VL-7B/20260102_030405_samples_sums.jsonl')],
  })
  const results = JSON.parse(readFileSync(files?.results ?? '', 'utf8')) as Record<string, unknown>
  expect(results).toMatchObject({
    // Rows 1 to 8, of which 3 and 6 are answered wrongly: mean 6/8, standard error sqrt(6/8 * 2/8 / 7).
    results: {
      sums: {
        alias: 'sums',
        'accuracy,none': 0.75,
        'accuracy_stderr,none': expect.closeTo(0.163663417676994, 12) as number,
      },
    },
    group_subtasks: { sums: [] },
    configs: {
      sums: {
        task: 'sums',
        output_type: 'generate_until',
        generation_kwargs: { max_new_tokens: 7, temperature: 0, do_sample: false, until: ['###'] },
      },
    },
    versions: { sums: 1 },
    'n-shot': { sums: 0 },
    higher_is_better: { sums: { accuracy: true } },
    'n-samples': { sums: { original: 9, effective: 8 } },
    config: { model: '/models/Qwen/Qwen2.5-VL-7B', model_args: 'adapter=x', batch_size: 4, limit: 8 },
    date: '20260102_030405',
    model_name_sanitized: 'Qwen__Qwen2.5-VL-7B',
    evolmm: {
      tasks: {
        sums: {
          mode: 'fixed',
          judge: null,
          revision: expect.stringMatching(/^files-[0-9a-f]{16}$/) as string,
          rows: 8,
          fallbackShare: 0,
        },
      },
    },
  })
})

test('a sample holds the text as generated and as scored', async () => {
  const { task, folder } = sums(2)
  const { files } = await evaluate({ tasks: [task], sampler: fakeSampler(), output_path: folder })
  const lines = readFileSync(files?.samples[0] ?? '', 'utf8')
    .trimEnd()
    .split('\n')
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    doc_id: 1,
    target: '2',
    input: '1 + 1? say: <answer>2 </answer>\nAnswer the question using a single word or phrase.',
    filtered_resps: ['2'],
    doc_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    accuracy: 1,
    evolmm: { raw: '<answer>2 </answer>', values: { accuracy: 1 }, parsed: '2', fallback: false },
  })
})

test('batches have the asked size, images are paths beside the file, and only drawing needs no batch', async () => {
  const { task, folder } = sums(7)
  const run = async (batchSize: number) => {
    const calls: (readonly SampleRequest[])[] = []
    const settings: Settings[] = []
    await evaluate({
      tasks: [task],
      sampler: fakeSampler({
        onSample: (requests, given) => {
          calls.push(requests)
          settings.push(given)
        },
      }),
      batch_size: batchSize,
      seed: 5,
      generation: { temperature: 0.5, topP: 0.9 },
    })
    expect(settings[0]).toEqual({ maxNewTokens: 64, temperature: 0.5, topP: 0.9 })
    return calls
  }
  const three = await run(3)
  expect(three.map(({ length }) => length)).toEqual([3, 3, 1])
  const requests = three.flat()
  expect((await run(7)).flat()).toEqual(requests)
  expect(requests[4]?.images).toEqual([join(folder, '4.png')])
  expect(requests[4]?.system).toBe('You are a helpful assistant.')
  expect(new Set(requests.map(({ seed }) => String(seed))).size).toBe(7)
})

test('without a number there are some questions at a time, and the results say so', async () => {
  const { task, folder } = sums(11)
  const calls: number[] = []
  const sampler = fakeSampler({ onSample: ({ length }) => void calls.push(length) })
  const { files } = await evaluate({ tasks: [task], sampler, output_path: folder })
  expect(calls).toEqual([8, 3])
  const { config } = JSON.parse(readFileSync(files?.results ?? '', 'utf8')) as { config: unknown }
  expect(config).toMatchObject({ batch_size: 'auto' })
})

test.each([
  [{ limit: 3 }, 3],
  [{ limit: 0.25 }, 3],
  [{ limit: 100, offset: 4 }, 6],
  [{ offset: 100 }, 0],
  [{}, 10],
])('%o of 10 rows are %i', async (options, rows) => {
  const { task } = sums(10)
  const { tasks } = await evaluate({ tasks: [task], sampler: fakeSampler(), ...options })
  expect(tasks[0]).toMatchObject({ rows, allRows: 10 })
  if (rows === 0) expect(tasks[0].metrics).toEqual({ accuracy: null })
})

test('a task may have a filter, no means and groups, and each task data of its own', async () => {
  const { folder } = sums(4)
  const task: Task = {
    ...fileTask({ file: join(folder, 'sums.jsonl'), scorer: 'exact' }),
    filter: 'first-letter',
    means: undefined,
    score: (row, answer) => ({
      values: { accuracy: 1 },
      details: { filtered: answer.slice(0, 1), parity: Number(row.answer) % 2 === 0 ? 'even' : 'odd' },
    }),
    breakdown: (scores) => ({
      parity: {
        odd: {
          correct: scores.filter(({ details }) => details?.parity === 'odd').length,
          total: 2,
          accuracy: null,
        },
      },
    }),
  }
  const places: string[] = []
  const evaluation = await evaluate({
    tasks: [task],
    sampler: { ...fakeSampler(), identity: () => ({ adapter: null }) },
    output_path: join(folder, 'out'),
    generation: { temperature: 0.5, topP: 0.9 },
    data: ({ name }) => {
      places.push(name)
      return {}
    },
  })
  expect(places).toEqual(['sums'])
  const { results, samples } = evaluation.files ?? { results: '', samples: [] }
  expect(JSON.parse(readFileSync(results, 'utf8'))).toMatchObject({
    results: { sums: { 'accuracy,first-letter': 1, 'accuracy_stderr,first-letter': 'N/A' } },
    configs: { sums: { generation_kwargs: { temperature: 0.5, do_sample: true, top_p: 0.9 } } },
    config: { model_args: 'adapter=null' },
  })
  const [first, second] = readFileSync(samples[0], 'utf8').split('\n')
  expect(JSON.parse(first)).toMatchObject({
    resps: [['\\boxed{no "idea" ']],
    filtered_resps: ['\\'],
    evolmm: { parsed: null },
  })
  expect(JSON.parse(second)).not.toHaveProperty('resps')
  expect(formatEvaluation(evaluation)).toMatch(/\| sums \| accuracy \| +1 \| +- \| +4 \|/)
  expect(formatBreakdown(evaluation)).toContain('| sums | parity   | odd   |        - |   2/2 |\n')
  expect(formatBreakdown({ tasks: [] })).toBe('')
  expect(formatEvaluation({ model: 'm', tasks: [{ ...evaluation.tasks[0], metrics: {} }] })).toMatch(
    /\| sums \| - +\| +- \|/,
  )
})

test('what is wrong with a task itself is not taken for a wrong row', async () => {
  const { task } = sums(2)
  const prompt = () => {
    throw new TypeError('a slip')
  }
  await expect(evaluate({ tasks: [{ ...task, prompt }], sampler: fakeSampler() })).rejects.toThrow(TypeError)
})

test('progress counts rows over all tasks and extrapolates the time that is left', async () => {
  const { task } = sums(4)
  let milliseconds = 0
  const seen: Progress[] = []
  await evaluate({
    tasks: [task, { ...task, name: 'again' }],
    sampler: fakeSampler({ onSample: () => void (milliseconds += 500) }),
    batch_size: 2,
    now: () => new Date(milliseconds),
    onProgress: (progress) => seen.push(progress),
  })
  expect(
    seen.map(({ task: name, done, allDone, secondsLeft }) => [name, done, allDone, secondsLeft]),
  ).toEqual([
    ['sums', 0, 0, undefined],
    ['sums', 2, 2, 1.5],
    ['sums', 4, 4, 1],
    ['again', 0, 4, 1],
    ['again', 2, 6, 0.5],
    ['again', 4, 8, 0],
  ])
  expect(seen[0]).toMatchObject({ total: 4, allTotal: 8, seconds: 0 })
})

test('the table names mode, judge, revision, rows, and the shares of fallbacks and of rows without a verdict', async () => {
  const { task } = sums(4)
  const judged: Task = {
    ...task,
    judge: 'always',
    score: (row, answer) => ({
      values: { accuracy: row.answer === '1' ? null : 1 },
      parsed: answer,
      fallback: row.answer === '2',
    }),
  }
  const judge = { name: 'judge-1', ask: () => Promise.resolve('') }
  const evaluation = await evaluate({ tasks: [judged], sampler: fakeSampler(), judge, limit: 3 })
  expect(evaluation.tasks[0]).toMatchObject({ unscored: 1, judge: 'judge-1', metrics: { accuracy: null } })
  const { revision } = evaluation.tasks[0]
  expect(formatEvaluation(evaluation)).toBe(
    [
      'org/fake',
      '',
      '| task | metric   | value | stderr |               rows | fallback | mode  | judge   | revision       |',
      '| ---- | -------- | ----: | -----: | -----------------: | -------: | ----- | ------- | -------------- |',
      `| sums | accuracy |     - |      0 | 3 of 4, 1 unscored |   33.3 % | fixed | judge-1 | ${revision.slice(0, 14)} |`,
      '',
    ].join('\n'),
  )
  const ruled = await evaluate({ tasks: [judged], sampler: fakeSampler(), judge, mode: 'rule-based' })
  expect(ruled.tasks[0]).toMatchObject({ judge: null, mode: 'rule-based' })
})

test('an abort stops the run between two batches with its reason', async () => {
  const { task, folder } = sums(6)
  const controller = new AbortController()
  let calls = 0
  const run = () =>
    evaluate({
      tasks: [task],
      sampler: fakeSampler({
        onSample: () => {
          if (++calls === 2) controller.abort(new Error('enough'))
        },
      }),
      batch_size: 1,
      output_path: folder,
      signal: calls < 2 ? controller.signal : undefined,
    })
  await expect(run()).rejects.toThrow('enough')
  expect(calls).toBe(2)
  await run()
  expect(calls).toBe(6)
})

test('a sampler that gives other numbers of answers is refused, and no row is lost', async () => {
  const { task, folder } = sums(4)
  const sampler = fakeSampler()
  const short = { ...sampler, sample: () => sampler.sample({ prompts: [] }) }
  const twice = {
    ...sampler,
    sample: (options: SampleOptions) => sampler.sample({ ...options, samples: 2 }),
  }
  for (const wrong of [short, twice])
    await expect(evaluate({ tasks: [task], sampler: wrong, output_path: folder })).rejects.toMatchObject({
      code: 'ANSWER_COUNT',
    })
  expect((await evaluate({ tasks: [task], sampler, output_path: folder })).tasks[0].rows).toBe(4)
})

test('missing data of any task shows before anything is asked', async () => {
  const { task } = sums(4)
  let calls = 0
  const tasks: Task[] = [task, { ...task, name: 'gone', source: { file: '/nowhere/a.jsonl' } }]
  const run = evaluate({
    tasks,
    sampler: fakeSampler({
      onSample: () => {
        calls++
      },
    }),
  })
  await expect(run).rejects.toMatchObject({ code: 'UNREADABLE_FILE' })
  expect(calls).toBe(0)
})

test.each([
  { tasks: [] },
  { limit: 0 },
  { limit: -1 },
  { limit: 1.5 },
  { offset: -1 },
  { batch_size: 0 },
  { seed: 0.5 },
  { mode: 'best' as never },
  { fallback: 'skip' as never },
])('the option %o is refused', async (wrong) => {
  const { task } = sums(2)
  const run = evaluate({ tasks: [task], sampler: fakeSampler(), ...wrong })
  await expect(run).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test.each([
  ['batchSize', 'batchSize: must be a setting of evaluate, got an unknown name; did you mean batch_size?'],
  // What only the command reads is no option here that would do nothing.
  ['device', 'device: must be a setting of evaluate, got an unknown name'],
])('the name %s is refused, also in JavaScript', async (name, message) => {
  const { task } = sums(2)
  const run = evaluate({ tasks: [task], sampler: fakeSampler(), [name]: 'cpu' })
  await expect(run).rejects.toThrow(message)
  const questions = taskQuestions(task, { [name]: 'cpu' })
  await expect(questions.next()).rejects.toThrow(`${name}: must be a setting of questions`)
})

test('an output path that cannot be written is a typed error', async () => {
  const { task, folder } = sums(2)
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  const run = evaluate({ tasks: [task], sampler: fakeSampler(), output_path: file })
  await expect(run).rejects.toMatchObject({ code: 'UNWRITABLE_FILE' })
})

test.skipIf(process.platform !== 'linux')(
  'an output path where the system makes no folders is a typed error (Linux: elsewhere there is no /proc)',
  async () => {
    const { task } = sums(2)
    const run = evaluate({ tasks: [task], sampler: fakeSampler(), output_path: '/proc/evolmm/out' })
    await expect(run).rejects.toMatchObject({ code: 'UNWRITABLE_FILE' })
  },
)

test('a file without rows is refused', async () => {
  const file = join(temporaryFolder(), 'none.jsonl')
  writeFileSync(file, '\n')
  const run = evaluate({ tasks: [fileTask({ file, scorer: 'exact' })], sampler: fakeSampler() })
  await expect(run).rejects.toMatchObject({ code: 'DATA_EMPTY', details: { paths: [file] } })
})

test('a wrong line of a file shows before anything is asked, unless it is not among the rows that count', async () => {
  const { task, folder } = sums(3)
  writeFileSync(join(folder, 'sums.jsonl'), '{"question": "later"}\n', { flag: 'a' })
  let calls = 0
  const sampler = fakeSampler({
    onSample: () => {
      calls++
    },
  })
  await expect(evaluate({ tasks: [task], sampler })).rejects.toMatchObject({
    code: 'INVALID_ROW',
    details: { task: 'sums', row: 3 },
  })
  expect(calls).toBe(0)
  expect((await evaluate({ tasks: [task], sampler, limit: 3 })).tasks[0].rows).toBe(3)
})

test('a question whose right answer is null has no score and is no zero', async () => {
  const file = join(temporaryFolder(), 'own.jsonl')
  const rows = [
    { question: 'say: yes', answer: 'yes' },
    { question: 'say: yes', answer: null },
  ]
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const { tasks } = await evaluate({
    tasks: [fileTask({ file, scorer: 'exact' })],
    sampler: fakeSampler(),
  })
  expect(tasks[0]).toMatchObject({ metrics: { accuracy: null }, rows: 2, unscored: 1 })
})

test('a task named twice is refused', async () => {
  const { task } = sums(2)
  const run = evaluate({ tasks: [task, task], sampler: fakeSampler() })
  await expect(run).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test.each([
  ['Qwen/Qwen2.5-VL-7B-Instruct', 'Qwen__Qwen2.5-VL-7B-Instruct'],
  ['/models/a/b', 'a__b'],
  ['../..', 'model'],
  ['a:b*c', 'a__b__c'],
  ['plain', 'plain'],
])('results of %s are in the folder %s', (model, folder) => {
  expect(folderName(model)).toBe(folder)
})
