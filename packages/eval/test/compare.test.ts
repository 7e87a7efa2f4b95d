import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { compareRuns } from '../src/compare/compare-runs'
import { formatComparison } from '../src/compare/format-comparison'
import { fileTask } from '../src/file-task'
import { evaluate } from '../src/run/evaluate'
import { fakeSampler } from './support/fake-sampler'
import { writeSums } from './support/sums'

/** Results of a run on `count` sums by a model that adds the wrong number where `wrong` says so. */
async function run(folder: string, count: number, wrong: (row: number) => boolean, tasks = ['sums']) {
  const file = writeSums(folder, count)
  const { files } = await evaluate({
    tasks: tasks.map((name) => fileTask({ file, scorer: 'exact', name })),
    sampler: fakeSampler({
      say: ({ prompt }) => {
        const row = Number.parseInt(prompt)
        return String(row + (wrong(row) ? 2 : 1))
      },
    }),
    output_path: join(folder, 'out'),
  })
  return files ?? { results: '', samples: [] }
}

test('two runs are compared row by row', async () => {
  const folder = temporaryFolder()
  // Wrong rows: 0 to 39 at first, 30 to 49 later; so 30 better, 10 worse of 100.
  const first = await run(folder, 100, (row) => row < 40)
  const second = await run(folder, 100, (row) => row >= 30 && row < 50)
  const compared = await compareRuns(first.results, second.results)
  expect(compared).toMatchObject([
    {
      task: 'sums',
      metric: 'accuracy',
      rows: 100,
      unpaired: 0,
      first: 0.6,
      second: 0.8,
      wins: 30,
      losses: 10,
    },
  ])
  // Mean 0.2, variance (40 - 100 * 0.04) / 99; the p-value is that of SciPy's binomtest(30, 40).
  const half = 1.959963984540054 * Math.sqrt(36 / 99 / 100)
  expect(compared[0].low).toBeCloseTo(0.2 - half, 12)
  expect(compared[0].high).toBeCloseTo(0.2 + half, 12)
  expect(compared[0].signTest).toBeCloseTo(0.00222143, 8)
  expect(formatComparison(compared, { names: ['base', 'adapter'] })).toBe(
    [
      '| task | metric   | rows |   base | adapter | difference |      95 % interval | better/worse |  sign test |',
      '| ---- | -------- | ---: | -----: | ------: | ---------: | -----------------: | -----------: | ---------: |',
      '| sums | accuracy |  100 | 0.6000 |  0.8000 |    +0.2000 | +0.0818 to +0.3182 |        30/10 | p = 0.0022 |',
      '',
      'Intervals: normal, of the mean of paired differences. Sign test: exact, two-sided.',
      '',
    ].join('\n'),
  )
})

test('only rows and tasks of both runs are compared, the others are counted', async () => {
  const folder = temporaryFolder()
  const first = await run(folder, 9, (row) => row === 8, ['sums', 'gone'])
  const { results } = await run(folder, 5, (row) => row < 2, ['new', 'sums'])
  const compared = await compareRuns(first.results, results)
  expect(compared).toMatchObject([
    { task: 'sums', rows: 5, unpaired: 4, first: 1, second: 0.6, wins: 0, losses: 2 },
  ])
  expect(formatComparison(compared)).toContain('5 (4 unpaired)')
  const other = await run(folder, 5, () => false, ['other'])
  await expect(compareRuns(first.results, other.results)).rejects.toMatchObject({
    code: 'NOTHING_TO_COMPARE',
  })
})

test('what is not alike besides the model is said, once for each task', async () => {
  const folder = temporaryFolder()
  const one = await run(folder, 4, () => false)
  const other = await run(folder, 4, () => false)
  expect((await compareRuns(one.results, other.results))[0].unlike).toEqual([])
  const text = readFileSync(other.results, 'utf8')
  const changed = text
    .replace(/"mode": "fixed",(\s+)"judge": null,(?=\s+"revision")/, '"mode": "compat",$1"judge": "gpt",')
    .replace(/"fallbackShare": 0,(\s+)"unscored": 0/, '"fallbackShare": 0.25,$1"unscored": 2')
  writeFileSync(other.results, changed)
  const compared = await compareRuns(one.results, other.results)
  const twice = [...compared, ...compared.map((metric) => ({ ...metric, metric: 'again' }))]
  expect(formatComparison(twice).split('\n').slice(-5)).toEqual([
    'Not alike in sums: mode: fixed and compat.',
    'Not alike in sums: judge: none and gpt.',
    'Not alike in sums: rows decided by a rule of last resort: 0.0 % and 25.0 %.',
    'Not alike in sums: rows without a score: 0.0 % and 50.0 %.',
    '',
  ])
  const { evolmm } = JSON.parse(text) as { evolmm: { tasks: { sums: object } } }
  const saying = (more: object | null) =>
    JSON.stringify({ evolmm: { tasks: { sums: more && { ...evolmm.tasks.sums, ...more } } } })
  const damaged = [
    text.slice(0, 100),
    saying(null),
    ...[{ unscored: '2' }, { rows: null }, { fallbackShare: {} }, { mode: 7 }, { judge: {} }].map(saying),
    saying({ revision: 1 }),
  ]
  writeFileSync(other.results, saying({}))
  expect((await compareRuns(one.results, other.results))[0].unlike).toEqual([])
  for (const bad of damaged) {
    writeFileSync(other.results, bad)
    await expect(compareRuns(one.results, other.results)).rejects.toMatchObject({ code: 'INVALID_RESULTS' })
  }
  // What lmms-eval writes says nothing of it.
  for (const none of ['{}', 'null', '{"evolmm": null}', '{"evolmm": {"tasks": []}}']) {
    writeFileSync(other.results, none)
    expect((await compareRuns(one.results, other.results))[0].unlike).toEqual([])
  }
})

test('samples of lmms-eval itself are read', async () => {
  const folder = temporaryFolder()
  const put = (name: string, values: readonly object[]) => {
    const lines = values.map((value, i) =>
      JSON.stringify({ doc_id: i, doc_hash: `h${i}`, target: '1', ...value }),
    )
    writeFileSync(join(folder, `${name}_samples_chartqa.jsonl`), lines.join('\n'))
    return join(folder, `${name}_results.json`)
  }
  const first = put('20250101_000000', [
    { relaxed_overall: 0 },
    { relaxed_overall: 1, relaxed_human_split: 1 },
  ])
  const second = put('20250101_000001', [
    { relaxed_overall: 1 },
    { relaxed_overall: 1, relaxed_human_split: 0 },
  ])
  expect(await compareRuns(first, second)).toMatchObject([
    { task: 'chartqa', metric: 'relaxed_overall', rows: 2, difference: 0.5 },
    { task: 'chartqa', metric: 'relaxed_human_split', rows: 1, difference: -1, low: null },
  ])
})

test('runs on other data, without samples or with bad ones are refused', async () => {
  const folder = temporaryFolder()
  const first = await run(folder, 5, () => false)
  const second = await run(folder, 5, () => false)
  const [path] = second.samples
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace(/"doc_hash":"./, '"doc_hash":"x'))
  await expect(compareRuns(first.results, second.results)).rejects.toMatchObject({ code: 'DIFFERENT_DATA' })
  const values = (written: string) => `{"doc_id": 0, "evolmm": {"task": "t", "values": ${written}}}\n`
  const bad = [values('null'), values('{"accuracy": 2}'), values('{"accuracy": "1"}')]
  for (const lines of ['{"a": 1}\n', 'text\n', 'null\n', '{"doc_id": 0, "evolmm": null}\n', ...bad]) {
    writeFileSync(path, lines)
    await expect(compareRuns(first.results, second.results)).rejects.toMatchObject({ code: 'INVALID_SAMPLE' })
  }
  rmSync(path)
  for (const results of [second.results, path, join(folder, 'nowhere', 'results.json')])
    await expect(compareRuns(first.results, results)).rejects.toMatchObject({ code: 'NO_SAMPLES' })
})

test('a samples or results file without end is refused before it fills the memory', async () => {
  const folder = temporaryFolder()
  const first = await run(folder, 5, () => false)
  const second = await run(folder, 5, () => false)
  const [path] = second.samples
  for (const file of [path, second.results]) {
    const text = readFileSync(file)
    // Of a sparse file nothing is on the disk.
    truncateSync(file, 2 ** 36)
    await expect(compareRuns(first.results, second.results)).rejects.toMatchObject({
      code: 'UNREADABLE_FILE',
      message: expect.stringContaining(`${file}: must have `) as string,
    })
    writeFileSync(file, text)
  }
  expect(await compareRuns(first.results, second.results)).not.toEqual([])
})

test('rows without a hash are compared by their numbers, and results files may be those of lmms-eval', async () => {
  const folder = temporaryFolder()
  const put = (name: string, count: number, value: number) => {
    const lines = Array.from({ length: count }, (_, i) =>
      JSON.stringify({
        doc_id: i,
        exact_match: value,
        evolmm: { values: { exact_match: value, unknown: null } },
      }),
    )
    writeFileSync(join(folder, `${name}_samples_ai2d.jsonl`), lines.join('\n'))
    writeFileSync(join(folder, `${name}_results.json`), '{"results": {}}')
    return join(folder, `${name}_results.json`)
  }
  // 2^-19: all of twenty rows better.
  const many = await compareRuns(put('a', 20, 0), put('b', 20, 1))
  expect(many).toMatchObject([{ task: 'ai2d', rows: 20, wins: 20, signTest: 2 ** -19, unlike: [] }])
  expect(formatComparison(many)).toMatch(/\| p < 0\.0001 \|$/m)
  const single = await compareRuns(put('c', 1, 1), put('d', 1, 0))
  expect(formatComparison(single)).toMatch(/\| +-1\.0000 \| +- \| +0\/1 \| p = 1\.0000 \|$/m)
})
