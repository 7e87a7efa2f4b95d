/** What EvoLMM's records are in its log, and that they come back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf, readLog, runLog } from '@evolmm/runs'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { evolmm, type IterationRecord } from '../src'
import { anyRecords, record } from './support/records'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-iter-log-'))
  file = join(folder, 'iter_log.jsonl')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function write(records: readonly IterationRecord[]): Promise<void> {
  const log = runLog(evolmm)
  await log.start({ name: 'run', folder, config: {}, totalSteps: 100, startStep: 0, probe: null })
  for (const each of records) await log.log(entryOf(evolmm, each))
  await log.finish({ step: records.length, status: 'finished' })
}

async function readAll(): Promise<IterationRecord[]> {
  const records = []
  for await (const each of readLog(folder, evolmm)) records.push(each)
  return records
}

sizedTest(
  'reading gives back exactly the records that were logged, whatever is in them',
  { logs: [100, 200, 5000] },
  async ({ count, seed }) => {
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        rmSync(file, { force: true })
        await write(records)
        expect(await readAll()).toEqual(records)
      }),
      { seed, numRuns: count },
    )
  },
)

test('a line has the keys and meanings of the released log', async () => {
  await write([record(1)])
  const line = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  expect(line).toMatchObject({
    schema_version: 1,
    step: 1,
    image: 0,
    image_path: '/data/images/1-0.png',
    proposer_question: 'How many bars (1)?',
    proposer_out_xml: '<rationale>bars</rationale><question>How many bars (1)?</question>',
    solver_answers_raw: ['7', '7', null, '8', '7'],
    solver_answers_norm: ['7', '7', null, '8', '7'],
    solver_rewards_raw: [1, 1, 0, 0, 1],
    solver_rewards_soft: [0.75, 0.75, 0, 0, 0.75],
    maj_answer: '7',
    maj_count: 3,
    maj_frac: 0.6,
    entropy_nats: 0.9502705392332347,
    proposer_reward_gauss: 0.875,
    pre_answer_word_counts: [3, 3, 0, 3, 3],
    answer_hist: { 7: 3, 8: 1 },
  })
  expect(line).toHaveProperty('solver_outputs.0', 'I count them. <answer>7</answer>')
  expect(line).toHaveProperty('solver_update.next_beta', 0.00109375)
  expect(line).toHaveProperty('seconds.total', 2.5)
})

test('invalid answers are null among the answers and not in answer_hist', async () => {
  await write([record(1)])
  const line = JSON.parse(readFileSync(file, 'utf8')) as {
    answer_hist: Record<string, number>
    solver_answers_norm: (string | null)[]
  }
  const valid = Object.values(line.answer_hist).reduce((sum, count) => sum + count, 0)
  expect(line.solver_answers_norm.length - valid).toBe(1)
})

test('what JSON cannot say of a number is written as text that Python and JavaScript read', async () => {
  const bad = record(1)
  bad.probe = { a: NaN, b: Infinity, c: -Infinity }
  await write([bad])
  expect(readFileSync(file, 'utf8')).toContain('"probe":{"a":"NaN","b":"Infinity","c":"-Infinity"}')
})

test('an iteration of several images has a line for each', async () => {
  await write([record(1, { images: 3 })])
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject(
    [0, 1, 2].map((image) => ({ step: 1, image, images: 3, image_path: `/data/images/1-${image}.png` })),
  )
})

test('a line that lacks a value, or lists of other lengths, is damaged', async () => {
  await write([record(1), record(2)])
  const text = readFileSync(file, 'utf8')
  for (const [value, other] of [
    ['"solver_outputs"', '"solver_output"'],
    ['"solver_tokens":[4,', '"solver_tokens":['],
    ['"seconds":{', '"second":{'],
    ['"watch":{', '"watched":{'],
    ['"images":1', '"images":"1"'],
    ['"alarms":[', '"alarm":['],
    ['"alarms":[]', '"alarms":[1]'],
    ['"alarms":[]', '"alarms":{}'],
    ['"total":2.5', '"total":"long"'],
    ['"image_path":"', '"image":"'],
    ['"maj_frac":0.6', '"maj_frac":"most"'],
    ['"solver_update":{', '"solver_update":[{}],"other":{'],
    ['"question_faults":[]', '"question_faults":[null]'],
    ['"solver_outputs":["', '"solver_outputs":[null,"'],
    ['"solver_answers_norm":["7"', '"solver_answers_norm":[7'],
  ] as const) {
    expect(text).toContain(value)
    writeFileSync(file, text.replace(value, other))
    await expect(readAll(), value).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining('line 1 lacks values') as string,
    })
  }
})

test('a log from before there was a number is read without it', async () => {
  await write([record(1)])
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/"sampler_gap":[^,}]*/g, '"another":1'))
  const [{ solver }] = await readAll()
  expect(solver).toMatchObject({ ce: 1.25, another: 1 })
  expect(solver).not.toHaveProperty('samplerGap')
})
