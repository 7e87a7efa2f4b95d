import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bundleScript } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  EvolmmError,
  iterLog,
  readIterLog,
  truncateIterLog,
  type IterationRecord,
  type RunInfo,
} from '../src'
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

function info(startStep = 0): RunInfo {
  return { name: 'run', folder, config: {}, totalSteps: 100, startStep, probe: null }
}

async function write(records: readonly IterationRecord[], startStep = 0): Promise<void> {
  const log = iterLog()
  await log.start(info(startStep))
  for (const each of records) await log.log(each)
  await log.flush()
  await log.finish({ step: records.length, status: 'finished' })
}

async function readAll(): Promise<IterationRecord[]> {
  const records = []
  for await (const each of readIterLog(folder)) records.push(each)
  return records
}

function steps(n: number, images = 1): IterationRecord[] {
  return Array.from({ length: n }, (_, i) => record(i + 1, { images }))
}

async function codeOf(action: Promise<unknown>): Promise<string | undefined> {
  try {
    await action
    return undefined
  } catch (error) {
    if (!(error instanceof EvolmmError)) throw error
    return error.code
  }
}

test('reading gives back exactly the records that were logged, whatever is in them', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecords, async (records) => {
      rmSync(file, { force: true })
      await write(records)
      expect(await readAll()).toEqual(records)
    }),
    { numRuns: 200, seed: 6 },
  )
})

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

test('a new run does not touch the log of another', async () => {
  await write(steps(2))
  const before = readFileSync(file)
  expect(await codeOf(write(steps(1)))).toBe('ITER_LOG_EXISTS')
  expect(readFileSync(file)).toEqual(before)
})

test('a run that goes on cuts its log and appends; the outcome is that of an unbroken run', async () => {
  await write(steps(10, 2))
  const unbroken = readFileSync(file)
  rmSync(file)
  await write(steps(7, 2))
  appendFileSync(file, '{"schema_version":1,"step":8,"im')
  await write(steps(10, 2).slice(4), 4)
  expect(readFileSync(file)).toEqual(unbroken)
})

test('cutting drops everything behind the step, JSON or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(5),
      fc.oneof(fc.string(), fc.constantFrom('{}\n', 'null\n', '\n\n', '{"step":7}\nx', '\u0000\u0000')),
      fc.nat(5),
      async (step, tail, cut) => {
        rmSync(file, { force: true })
        await write(steps(step, 2))
        const kept = readFileSync(file)
        // More iterations, of which the last one may be torn anywhere.
        rmSync(file)
        await write(steps(step + 2, 2))
        const all = readFileSync(file)
        writeFileSync(file, all.subarray(0, all.length - (cut * (all.length - kept.length)) / 5))
        appendFileSync(file, tail)
        await truncateIterLog(folder, step)
        expect(readFileSync(file)).toEqual(kept)
        await truncateIterLog(folder, step)
        expect(readFileSync(file)).toEqual(kept)
      },
    ),
    { numRuns: 40, seed: 7 },
  )
})

test('reading leaves out what a killed process did not finish, at every byte', async () => {
  await write(steps(2, 2))
  const all = readFileSync(file)
  const first = await (async () => {
    rmSync(file)
    await write(steps(1, 2))
    return readFileSync(file).length
  })()
  for (let length = 0; length <= all.length; length += 97) {
    writeFileSync(file, all.subarray(0, length))
    expect((await readAll()).length).toBe(length < first ? 0 : length < all.length ? 1 : 2)
  }
})

test('a log that lacks something up to the step is left as it is', async () => {
  await write(steps(4))
  const lines = readFileSync(file, 'utf8').split('\n')
  const without = (...gone: number[]) => lines.filter((_, i) => !gone.includes(i)).join('\n')
  const cases: [string, string, string][] = [
    ['its first line', without(0), 'ITER_LOG_DAMAGED'],
    ['a line in the middle', without(1), 'ITER_LOG_DAMAGED'],
    ['its last line', without(3), 'ITER_LOG_INCOMPLETE'],
    ['all lines', '', 'ITER_LOG_INCOMPLETE'],
    [
      'the end of a line in the middle',
      lines.map((l, i) => (i === 1 ? l.slice(0, 50) : l)).join('\n'),
      'ITER_LOG_DAMAGED',
    ],
    ['the end of the last line', lines.join('\n').slice(0, -5), 'ITER_LOG_INCOMPLETE'],
    ['the right order', [lines[1], lines[0], lines[2], lines[3], ''].join('\n'), 'ITER_LOG_DAMAGED'],
    ['a value', lines.join('\n').replace('"solver_outputs"', '"solver_output"'), 'ITER_LOG_DAMAGED'],
    ['our version', lines.join('\n').replace('"schema_version":1', '"schema_version":2'), 'ITER_LOG_VERSION'],
  ]
  for (const [what, content, code] of cases) {
    writeFileSync(file, content)
    expect([what, await codeOf(truncateIterLog(folder, 4))]).toEqual([what, code])
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect([what, await codeOf(write([record(5)], 4))]).toEqual([what, code])
    expect(readFileSync(file, 'utf8')).toBe(content)
  }
})

test('without a log, nothing is there to cut at step 0, and everything is missing later', async () => {
  await truncateIterLog(folder, 0)
  expect(existsSync(file)).toBe(false)
  expect(await codeOf(truncateIterLog(folder, 1))).toBe('ITER_LOG_NOT_FOUND')
  expect(await codeOf(readAll())).toBe('ITER_LOG_NOT_FOUND')
})

test('a run that was stopped before its first checkpoint begins anew', async () => {
  await write(steps(2))
  await truncateIterLog(folder, 0)
  await write(steps(3))
  expect(await readAll()).toEqual(steps(3))
})

test('reading where no log is says what was found there', async () => {
  await expect(readAll()).rejects.toMatchObject({
    code: 'ITER_LOG_NOT_FOUND',
    message: expect.stringMatching(
      /iter_log\.jsonl: must be a readable file, got ENOENT.*; pass the folder/,
    ) as string,
  })
})

test('a damaged line is named when read', async () => {
  await write(steps(3))
  writeFileSync(file, readFileSync(file, 'utf8').replace('"step":2', '"step":x'))
  await expect(readAll()).rejects.toThrow(/iter_log\.jsonl: line 2 /)
})

test('a log that cannot be written is one typed error', async () => {
  mkdirSync(file)
  expect(await codeOf(write([record(1)]))).toBe('ITER_LOG_UNWRITABLE')
  rmSync(folder, { recursive: true })
  expect(await codeOf(write([record(1)]))).toBe('ITER_LOG_UNWRITABLE')
  mkdirSync(folder)
  expect(await codeOf(Promise.resolve(iterLog().log(record(1))))).toBe('NOT_STARTED')
})

test('killed while it logs, at twelve moments: whole iterations, then at most one that is torn', async () => {
  const { file: main, remove } = await bundleScript(new URL('support/log-until-killed.ts', import.meta.url))
  onTestFinished(remove)
  let known = 0
  for (let round = 0; round < 12; round++) {
    // Goes on where the log stands, as a run does after a checkpoint at that step.
    const child = fork(main, [folder, String(known)], { stdio: 'ignore' })
    let flushed = known
    child.on('message', (step) => {
      flushed = Number(step)
    })
    await once(child, 'message')
    await delay(round * 7)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await truncateIterLog(folder, flushed)
    const read = await readAll()
    expect(read.length).toBe(flushed)
    expect(read).toEqual(Array.from({ length: flushed }, (_, i) => record(i + 1, { images: 2 })))
    known = flushed
  }
  expect(known).toBeGreaterThan(12)
})
