import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { entryOf, runLog, type RunFile } from '@evolmm/runs'
import { evolmm, type IterationRecord } from '@evolmm/trainer'
import { EvolmmError, writeReport } from '../src'
import { attribute, checkHtml } from './support/check-html'
import { anyRecords, record } from '../../trainer/test/support/records'
import { drawCharts, sampleRecords, sampleRunFile, type SampleRunOptions } from './support/sample-run'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-report-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function writeRun(records: Iterable<IterationRecord>, run: RunFile = sampleRunFile({ steps: 5 })) {
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run))
  rmSync(join(folder, 'iter_log.jsonl'), { force: true })
  const log = runLog(evolmm)
  await log.start({ name: run.name, folder, config: {}, totalSteps: 0, startStep: 0, probe: null })
  for (const one of records) await log.log(entryOf(evolmm, one))
  await log.finish({ step: 0, status: 'finished' })
}

async function report(records: Iterable<IterationRecord>, run?: RunFile) {
  await writeRun(records, run)
  return read(await writeReport({ folder, kind: evolmm }))
}

async function sampleReport(options: SampleRunOptions) {
  return report(sampleRecords(options), sampleRunFile(options))
}

function read(file: string) {
  const page = readFileSync(file, 'utf8')
  return { page, ...checkHtml(page) }
}

/** Addresses that a browser would load or follow. */
function addresses({ elements, page }: Pick<ReturnType<typeof read>, 'elements' | 'page'>): string[] {
  const named = ['src', 'href', 'srcset', 'poster', 'data', 'action', 'xlink:href']
  const inStyles = [...page.matchAll(/url\(|@import/g)].map(([text]) => text)
  return [
    ...elements.flatMap((element) => named.flatMap((name) => attribute(element, name) ?? [])),
    ...inStyles,
  ]
}

async function errorOf(action: Promise<unknown>): Promise<EvolmmError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof EvolmmError)) throw new Error('no typed error')
  return error
}

test('a run with images and a probe becomes one valid page that refers to nothing outside itself', async () => {
  const options = { steps: 60, images: 20, root: join(folder, 'charts'), probeEvery: 20, alarms: true }
  await drawCharts(options.root, 20)
  const found = await sampleReport(options)
  expect(found.problems).toEqual([])
  expect(found.page).not.toMatch(/https?:/)
  const all = addresses(found)
  expect(
    all.filter((address) => !address.startsWith('#') && !address.startsWith('data:image/jpeg;base64,')),
  ).toEqual([])
  expect(all.some((address) => address.startsWith('data:'))).toBe(true)
  expect(found.text).not.toContain('picture not found')
  expect(found.text).not.toMatch(/NaN|Infinity|undefined|\[object/)
})

test('the same run gives the same bytes', async () => {
  const first = await sampleReport({ steps: 40, probeEvery: 10 })
  expect((await sampleReport({ steps: 40, probeEvery: 10 })).page).toBe(first.page)
})

test('nothing that a model writes becomes markup', async () => {
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    '</style></script></details><iframe src="http://evil.example">',
    '<!-- ]]> --> &lt;b&gt; &#0; \u0000 \u202e \ud800',
    '${alert(1)} `',
  ]
  const records = hostile.map((text, i): IterationRecord => {
    const one = record(i + 1)
    const images = one.images.map((image) => ({
      ...image,
      path: text,
      relativePath: text,
      proposerText: text,
      question: text,
      answers: image.answers.map((answer) => ({ ...answer, text, raw: text, answer: text })),
      histogram: [{ answer: text, count: 5 }],
      majority: text,
    }))
    return { ...one, images, probe: { [text]: i, [`${text}_low`]: i - 1 } }
  })
  const run = sampleRunFile({ steps: 6 })
  const text = hostile.join(' ')
  const found = await report(records, {
    ...run,
    name: text,
    started: text,
    versions: { evolmm: text, node: text, onnxruntime: text },
    config: { [text]: text, list: hostile },
    images: { root: text, count: 1 },
    probe: { [text]: 0 },
  })
  expect(found.problems).toEqual([])
  const tags = new Set(found.elements.map(({ tagName }) => tagName))
  expect(
    [...tags].filter((tag) => ['iframe', 'img', 'b', 'object', 'embed', 'link', 'base'].includes(tag)),
  ).toEqual([])
  expect(found.elements.filter(({ tagName }) => tagName === 'script')).toHaveLength(1)
  expect(found.elements.flatMap(({ attrs }) => attrs).filter(({ name }) => name.startsWith('on'))).toEqual([])
  expect(found.text).toContain('<script>alert(1)</script>')
  expect(found.text).toContain('"><img src=x onerror=alert(1)>')
})

sizedTest('any records make a valid page', { logs: [20, 60, 2000] }, async ({ count, seed }) => {
  await fc.assert(
    fc.asyncProperty(anyRecords, async (records) => {
      expect((await report(records)).problems).toEqual([])
    }),
    { seed, numRuns: count },
  )
})

test('votes are bars with counts, the majority marked and invalid answers shown as such', async () => {
  const { elements, text } = await report([record(1)])
  const kinds = elements
    .filter(({ tagName }) => tagName === 'li')
    .map((element) => attribute(element, 'class'))
  expect(kinds).toEqual(['majority', 'invalid', 'other'])
  const words = text.replace(/\s+/g, ' ')
  expect(words).toContain('7 majority 3 of 5')
  expect(words).toContain('no valid answer 1 of 5')
  expect(words).toContain('8 1 of 5')
  // A cell for each of five answers in each of three bars, five of them filled.
  const cells = elements
    .filter(({ tagName }) => tagName === 'rect')
    .map((element) => attribute(element, 'class'))
  expect(cells.filter((cell) => cell === 'on')).toHaveLength(5)
  expect(cells.filter((cell) => cell === 'off')).toHaveLength(10)
})

test('a question that was not asked is shown with the reason', async () => {
  const of = (step: number, change: Partial<IterationRecord['images'][number]>): IterationRecord => {
    const one = record(step)
    const silent = {
      answers: [],
      histogram: [],
      majority: null,
      majorityCount: 0,
      agreement: 0,
      entropy: null,
    }
    return { ...one, images: one.images.map((image) => ({ ...image, ...silent, ...change })) }
  }
  const { text, problems } = await report([
    of(1, { rejected: 'malformed', faults: ['missing-question-tag', 'empty'], question: null }),
    of(2, { rejected: 'unlikely', questionLogProbability: -4.7 }),
    of(3, { rejected: 'malformed', faults: ['missing-rationale', 'markup'] }),
    of(4, { rejected: 'malformed', faults: ['missing-rationale'] }),
  ])
  expect(problems).toEqual([])
  const words = text.replace(/\s+/g, ' ')
  expect(words).toContain('no question Not asked: malformed: there is no question tag, it holds no words.')
  expect(words).toContain(
    'Not asked: the proposer of the start would hardly have asked it (−4.70 nats per token).',
  )
  // What most runs let pass is a reason only where there is no other.
  expect(words).toContain('Not asked: malformed: it holds other markup.')
  expect(words).toContain('Not asked: malformed: there is no rationale.')
})

test('the table has the probe before and after with intervals, and means of the first and the last part', async () => {
  const records = Array.from({ length: 8 }, (_, i): IterationRecord => {
    const one = record(i + 1)
    return {
      ...one,
      images: one.images.map((image) => ({ ...image, agreement: i < 4 ? 0.4 : 0.8 })),
      probe:
        i === 7
          ? { accuracy: 0.724, accuracy_low: 0.69, accuracy_high: 0.758, loss: 1.5, questions: 600 }
          : null,
    }
  })
  const probe = { accuracy: 0.516, accuracy_low: 0.48, accuracy_high: 0.552, loss: 2 }
  const words = (await report(records, { ...sampleRunFile({ steps: 8 }), probe })).text.replace(/\s+/g, ' ')
  expect(words).toContain(
    'Right when answering greedily 51.6 % 48.0 to 55.2 72.4 % 69.0 to 75.8 +20.8 points',
  )
  expect(words).toContain('Measured on 600 questions before the first iteration and after iteration 8.')
  expect(words).toContain('Loss 2.00 1.50 −0.500')
  expect(words).toContain('means over the first and the last 2 iterations')
  expect(words).toContain('Agreement of the answers 40.0 % 80.0 % +40.0 points')
  expect(words).not.toMatch(/accuracy.(low|high)/i)
})

test('alarms are named at the top and marked in their chart', async () => {
  const records = Array.from({ length: 30 }, (_, i): IterationRecord => {
    const one = record(i + 1)
    return { ...one, watch: { ...one.watch, alarms: i >= 20 ? ['kl'] : [] } }
  })
  const { text, elements } = await report(records)
  expect(text.replace(/\s+/g, ' ')).toContain('Far from the start , at 10 iterations, first 21, last 30.')
  expect(elements.filter((element) => attribute(element, 'class') === 'alarm')).toHaveLength(1)
})

test.each([
  ['that has only begun', 0],
  ['of one iteration', 1],
  ['of two iterations', 2],
] as const)('a run %s has a page', async (_, steps) => {
  const { problems, text } = await sampleReport({ steps })
  expect(problems).toEqual([])
  expect(text).not.toMatch(/NaN|Infinity|undefined/)
  expect(text.includes('No iteration has been recorded yet')).toBe(steps === 0)
})

test('a fault that this version does not know is shown by its name', async () => {
  const [first] = sampleRecords({ steps: 1 })
  const [image] = first.images
  await writeRun([{ ...first, images: [{ ...image, rejected: 'malformed', faults: ['markup'] }] }])
  const log = join(folder, 'iter_log.jsonl')
  writeFileSync(log, readFileSync(log, 'utf8').replace('"markup"', '"constructor"'))
  const { text } = read(await writeReport({ folder, kind: evolmm }))
  expect(text).toContain('Not asked: malformed: constructor.')
})

test('lengths that a log lacks are left out, and the rest is shown', async () => {
  await writeRun(sampleRecords({ steps: 3 }))
  const log = join(folder, 'iter_log.jsonl')
  const whole = readFileSync(log, 'utf8')
  const title = /Proposer, \d+ tokens/
  expect(read(await writeReport({ folder, kind: evolmm })).page).toMatch(title)
  for (const length of [/"proposer_tokens":\d+,/g, /"solver_tokens":\[[\d,]+\],/g]) {
    expect(whole).toMatch(length)
    const without = whole.replace(length, (text) => (text.includes('[') ? text.replace(/\d+/g, 'null') : ''))
    writeFileSync(log, without)
    const { page, problems } = read(await writeReport({ folder, kind: evolmm }))
    expect(problems).toEqual([])
    expect(title.test(page)).toBe(length.source.includes('solver'))
    expect(page).not.toContain('null token')
  }
})

test('a run without a log yet has a page', async () => {
  writeFileSync(join(folder, 'run.json'), JSON.stringify(sampleRunFile({ steps: 3 })))
  expect(read(await writeReport({ folder, kind: evolmm })).text).toContain(
    'No iteration has been recorded yet',
  )
})

test('a run that is still going: the iteration that is being written is left out', async () => {
  const run = sampleRunFile({ steps: 100 })
  const whole = await report(sampleRecords({ steps: 10 }), run)
  appendFileSync(join(folder, 'iter_log.jsonl'), '{"schema_version":1,"step":11,"ima')
  expect(read(await writeReport({ folder, kind: evolmm })).page).toBe(whole.page)
  expect(whole.text).toContain('This is its state after iteration 10 of 100.')
  expect(whole.text).toContain('10 of 100')
})

test('several images for each iteration', async () => {
  const { problems, text } = await sampleReport({ steps: 12, batch: 8, images: 24 })
  expect(problems).toEqual([])
  expect(text).toContain('The same picture, again')
})

test('missing and broken images leave a place', async () => {
  const root = join(folder, 'charts')
  mkdirSync(root)
  writeFileSync(join(root, 'chart-0000.png'), 'no image')
  const { problems, text } = await sampleReport({ steps: 2, root })
  expect(problems).toEqual([])
  expect(text.match(/picture not found/g)).toHaveLength(2)
})

sizedTest('a long run fits into a page of 5 MB', { iterations: [500, 16_180, 16_180] }, async ({ count }) => {
  const root = join(folder, 'charts')
  await drawCharts(root, 200)
  await sampleReport({ steps: count, root, probeEvery: 100 })
  expect(statSync(join(folder, 'report.html')).size).toBeLessThan(5e6)
})

test('outputs of any length stay below that too', async () => {
  const long = '<&"'.repeat(50_000)
  const records = Array.from({ length: 14 }, (_, i): IterationRecord => {
    const one = record(i + 1)
    const images = one.images.map((image) => ({
      ...image,
      proposerText: long,
      question: long,
      answers: image.answers.map((answer) => ({ ...answer, text: long, raw: long, answer: long })),
      histogram: [{ answer: long, count: 5 }],
      majority: long,
    }))
    return { ...one, images }
  })
  await report(records)
  expect(statSync(join(folder, 'report.html')).size).toBeLessThan(5e6)
})

test('the page is written where it is asked for, over an old one, and leaves nothing else behind', async () => {
  await writeRun([record(1)])
  const output = join(folder, 'new', 'page.html')
  expect(await writeReport({ folder, kind: evolmm, output })).toBe(output)
  const before = statSync(output).ino
  await writeReport({ folder, kind: evolmm, output, images: 0 })
  expect(statSync(output).ino).not.toBe(before)
  expect(readdirSync(join(folder, 'new'))).toEqual(['page.html'])
  expect(existsSync(join(folder, 'report.html'))).toBe(false)
})

test('a checkpoint or a file of a run is not the run, which is named', async () => {
  await writeRun([record(1)])
  for (const inside of ['step_00001', 'run.json']) {
    const error = await errorOf(writeReport({ kind: evolmm, folder: join(folder, inside) }))
    expect(error.code).toBe('RUN_NOT_FOUND')
    expect(error.message).toBe(
      `${join(folder, inside)}: must be the folder of a run, got something in one; pass ${folder}`,
    )
  }
})

test('what cannot be read or written gives one typed error and changes nothing', async () => {
  const code = async () => (await errorOf(writeReport({ folder, kind: evolmm }))).code
  expect(await code()).toBe('RUN_NOT_FOUND')
  expect((await errorOf(writeReport({ kind: evolmm, folder: join(folder, 'nowhere') }))).code).toBe(
    'RUN_NOT_FOUND',
  )
  const run = sampleRunFile({ steps: 1 })
  for (const text of ['', '{', '[]', 'null', '{"schema_version":1}']) {
    writeFileSync(join(folder, 'run.json'), text)
    expect(await code()).toBe('INVALID_RUN')
  }
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...run, schema_version: 2 }))
  expect(await code()).toBe('INVALID_RUN')
  await writeRun([record(1)])
  writeFileSync(join(folder, 'iter_log.jsonl'), 'damaged\n')
  expect(await code()).toBe('LOG_DAMAGED')
  await writeRun([record(1)])
  expect((await errorOf(writeReport({ folder, kind: evolmm, images: -1 }))).code).toBe('INVALID_OPTION')
  expect(existsSync(join(folder, 'report.html'))).toBe(false)
  mkdirSync(join(folder, 'taken'))
  writeFileSync(join(folder, 'taken', 'file'), '')
  const unwritable = await errorOf(writeReport({ folder, kind: evolmm, output: join(folder, 'taken') }))
  expect(unwritable.code).toBe('UNWRITABLE_FILE')
  expect(
    (await errorOf(writeReport({ folder, kind: evolmm, output: join(folder, 'run.json', 'a.html') }))).code,
  ).toBe('UNWRITABLE_FILE')
  expect(readdirSync(folder).sort()).toEqual(['iter_log.jsonl', 'run.json', 'taken'])
})
