/** What the page says of a run follows from its numbers: gains, losses and nothing are told apart. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf, runLog, type RecordKind, type StepRecord } from '@evolmm/runs'
import { evolmm, type IterationRecord } from '@evolmm/trainer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeReport } from '../src'
import { record } from '../../trainer/test/support/records'
import { attribute, checkHtml } from './support/check-html'
import { sampleRunFile } from './support/sample-run'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-report-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

type Probe = Record<string, number>

async function pageOf<R extends StepRecord>(kind: RecordKind<R>, records: readonly R[], probe?: Probe) {
  const run = { ...sampleRunFile({ steps: records.length }), ...(probe && { probe }) }
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run))
  const log = runLog(kind)
  await log.start({ name: run.name, folder, config: {}, totalSteps: 0, startStep: 0, probe: null })
  for (const one of records) await log.log(entryOf(kind, one))
  await log.finish({ step: 0, status: 'finished' })
  const { elements, text, problems } = checkHtml(readFileSync(await writeReport({ folder, kind }), 'utf8'))
  expect(problems).toEqual([])
  const rows = elements.filter(({ tagName }) => tagName === 'tr').map((row) => attribute(row, 'class'))
  return { words: text.replace(/\s+/g, ' '), rows }
}

/** A run of 40 iterations whose agreement is what `at` says; every other one is off by 0.1 to either side. */
function agreeing(at: (step: number) => number): IterationRecord[] {
  return Array.from({ length: 40 }, (_, i) => {
    const one = record(i + 1)
    const agreement = at(i + 1) + (i % 2 === 0 ? 0.1 : -0.1)
    return { ...one, images: one.images.map((image) => ({ ...image, agreement })) }
  })
}

test.each([
  [
    'rise',
    (step: number) => 0.3 + step / 100,
    'became more consistent: their agreement rose from 35.5 %',
    /Went up: [^.]*Agreement of the answers/,
  ],
  [
    'fall',
    (step: number) => 0.8 - step / 100,
    'became less consistent: their agreement fell from 74.5 %',
    /Went down: [^.]*Agreement of the answers/,
  ],
  [
    'none',
    (step: number) => 0.5 + step / 10_000,
    'did not become more consistent: their agreement was 50.1 % at first and 50.4 % at the end',
    /Changed no more than by chance: [^.]*Agreement of the answers/,
  ],
] as const)('the agreement of a run: %s', async (kind, at, sentence, outcome) => {
  const { words, rows } = await pageOf(evolmm, agreeing(at))
  expect(words).toContain(sentence)
  expect(words).toMatch(outcome)
  expect(rows).toContain(kind)
  expect(words.match(/answers (became|did not become) \w+ consistent/g)).toHaveLength(1)
})

test('a run in which no answer counted says that nothing was learned, not that answers became consistent', async () => {
  const records = agreeing(() => 0.5).map((one) => ({
    ...one,
    images: one.images.map((image) => ({
      ...image,
      ...{ majority: null, majorityCount: 0, agreement: 0, histogram: [{ answer: null, count: 5 }] },
      answers: image.answers.map((answer) => ({ ...answer, answer: null, raw: null })),
    })),
  }))
  const { words } = await pageOf(evolmm, records)
  expect(words).toContain('Not one of its answers was valid')
  expect(words).not.toMatch(/answers (become consistent:|became)/)
})

test('a run that asked nothing, and one of a single iteration, claim nothing', async () => {
  const silent = agreeing(() => 0).map((one) => ({
    ...one,
    images: one.images.map((image) => ({ ...image, answers: [], histogram: [], entropy: null })),
  }))
  expect((await pageOf(evolmm, silent)).words).toContain('No question was answered')
  rmSync(join(folder, 'iter_log.jsonl'))
  expect((await pageOf(evolmm, [record(1)])).words).toContain('Too little was recorded to say')
})

test('a probe has changed where its intervals are apart, and by chance where they meet', async () => {
  const around = (name: string, value: number) => ({
    [name]: value,
    [`${name}_low`]: value - 0.05,
    [`${name}_high`]: value + 0.05,
  })
  const before = { ...around('sampled', 0.5), ...around('accuracy', 0.5), ...around('pass', 0.9), loss: 2 }
  const after = { ...around('sampled', 0.7), ...around('accuracy', 0.42), ...around('pass', 0.7), loss: 2.5 }
  const { words } = await pageOf(evolmm, [{ ...record(1), probe: after }], before)
  expect(words).toContain('Went up: Right when answers are drawn; Loss.')
  expect(words).toContain('Went down: Right at least once.')
  expect(words).toContain('Changed no more than by chance: Right when answering greedily.')
})
