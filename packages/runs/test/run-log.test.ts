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
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { philox4x32 } from '@evolmm/internal'
import { bundleScript, sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  EvolmmError,
  entryOf,
  jsonLines,
  readLog,
  runLog,
  truncateLog,
  type RecordKind,
  type RunInfo,
} from '../src'
import { entry, record, sampleKind, type SampleRecord } from './support/entries'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-iter-log-'))
  file = join(folder, 'sample_log.jsonl')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function info(startStep = 0): RunInfo {
  return { name: 'run', folder, config: {}, totalSteps: 100, startStep, probe: null }
}

async function write(records: readonly SampleRecord[], startStep = 0): Promise<void> {
  const log = runLog(sampleKind)
  await log.start(info(startStep))
  for (const each of records) await log.log(entryOf(sampleKind, each))
  await log.flush()
  await log.finish({ step: records.length, status: 'finished' })
}

async function readAll(): Promise<SampleRecord[]> {
  const records = []
  for await (const each of readLog(folder, sampleKind)) records.push(each)
  return records
}

function steps(n: number, parts = 1): SampleRecord[] {
  return Array.from({ length: n }, (_, i) => record(i + 1, { parts }))
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

test('reading gives back exactly the records that were logged', async () => {
  await write(steps(5, 2))
  expect(await readAll()).toEqual(steps(5, 2))
})

test('an iteration of several lines has them in order', async () => {
  await write([record(1, { parts: 2 })])
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject(
    [0, 1].map((part) => ({ schema_version: 1, step: 1, part, parts: 2 })),
  )
})

test('a new run does not touch the log of another', async () => {
  await write(steps(2))
  const before = readFileSync(file)
  expect(await codeOf(write(steps(1)))).toBe('LOG_EXISTS')
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

sizedTest(
  'cutting drops everything behind the step, JSON or not',
  { logs: [20, 40, 1000] },
  async ({ count, seed }) => {
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
          await truncateLog(folder, sampleKind, step)
          expect(readFileSync(file)).toEqual(kept)
          await truncateLog(folder, sampleKind, step)
          expect(readFileSync(file)).toEqual(kept)
        },
      ),
      { seed, numRuns: count },
    )
  },
)

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
    ['its first line', without(0), 'LOG_DAMAGED'],
    ['a line in the middle', without(1), 'LOG_DAMAGED'],
    ['its last line', without(3), 'LOG_INCOMPLETE'],
    ['all lines', '', 'LOG_INCOMPLETE'],
    [
      'the end of a line in the middle',
      lines.map((l, i) => (i === 1 ? l.slice(0, 50) : l)).join('\n'),
      'LOG_DAMAGED',
    ],
    ['the end of the last line', lines.join('\n').slice(0, -5), 'LOG_INCOMPLETE'],
    ['the right order', [lines[1], lines[0], lines[2], lines[3], ''].join('\n'), 'LOG_DAMAGED'],
    ['a value', lines.join('\n').replace('"text"', '"texts"'), 'LOG_DAMAGED'],
    ['our version', lines.join('\n').replace('"schema_version":1', '"schema_version":2'), 'LOG_VERSION'],
  ]
  for (const [what, content, code] of cases) {
    writeFileSync(file, content)
    expect([what, await codeOf(truncateLog(folder, sampleKind, 4))]).toEqual([what, code])
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect([what, await codeOf(write([record(5)], 4))]).toEqual([what, code])
    expect(readFileSync(file, 'utf8')).toBe(content)
  }
})

test('a log whose line has no end is refused before it fills the memory', async () => {
  await write(steps(2))
  truncateSync(file, 2 ** 36)
  expect(await codeOf(readAll())).toBe('LOG_DAMAGED')
  await expect(readAll()).rejects.toThrow('line 3 is too long')
})

test('without a log, nothing is there to cut at step 0, and everything is missing later', async () => {
  await truncateLog(folder, sampleKind, 0)
  expect(existsSync(file)).toBe(false)
  expect(await codeOf(truncateLog(folder, sampleKind, 1))).toBe('LOG_NOT_FOUND')
  expect(await codeOf(readAll())).toBe('LOG_NOT_FOUND')
})

test('a run that was stopped before its first checkpoint begins anew', async () => {
  await write(steps(2))
  await truncateLog(folder, sampleKind, 0)
  await write(steps(3))
  expect(await readAll()).toEqual(steps(3))
})

test('reading where no log is says what was found there', async () => {
  await expect(readAll()).rejects.toMatchObject({
    code: 'LOG_NOT_FOUND',
    message: expect.stringMatching(
      /sample_log\.jsonl: must be a readable file, got ENOENT.*; pass the folder/,
    ) as string,
  })
})

test('a damaged line is named when read', async () => {
  await write(steps(3))
  writeFileSync(file, readFileSync(file, 'utf8').replace('"step":2', '"step":x'))
  await expect(readAll()).rejects.toThrow(/sample_log\.jsonl: line 2 /)
})

test('a log that cannot be written is one typed error', async () => {
  mkdirSync(file)
  expect(await codeOf(write([record(1)]))).toBe('LOG_UNWRITABLE')
  rmSync(folder, { recursive: true })
  expect(await codeOf(write([record(1)]))).toBe('LOG_UNWRITABLE')
  mkdirSync(folder)
  expect(await codeOf(Promise.resolve(runLog(sampleKind).log(entry(1))))).toBe('NOT_STARTED')
})

sizedTest(
  'killed while it logs: whole iterations, then at most one that is torn',
  { kills: [4, 12, 100] },
  async ({ count, seed }) => {
    const { file: main, remove } = await bundleScript(new URL('support/log-until-killed.ts', import.meta.url))
    onTestFinished(remove)
    let known = 0
    for (let round = 0; round < count; round++) {
      // Goes on where the log stands, as a run does after a checkpoint at that step.
      const child = fork(main, [folder, String(known)], { stdio: 'ignore' })
      let flushed = known
      child.on('message', (step) => {
        flushed = Number(step)
      })
      await once(child, 'message')
      await delay((84 * philox4x32([round, 0, 0, 0], [seed, 0])[0]) / 2 ** 32)
      child.kill('SIGKILL')
      await once(child, 'exit')
      await truncateLog(folder, sampleKind, flushed)
      const read = await readAll()
      expect(read.length).toBe(flushed)
      expect(read).toEqual(steps(flushed, 2))
      known = flushed
    }
    expect(known).toBeGreaterThan(count)
  },
)

sizedTest(
  'a method without a codec gets a line of JSON for each record, and any record comes back',
  { logs: [100, 200, 5000] },
  async ({ count, seed }) => {
    interface Any {
      step: number
      text: string
      numbers: number[]
      nested: { value: number | null } | null
      probe?: Record<string, number> | null
    }
    const kind: RecordKind<Any> = { name: 'any', metrics: [] }
    const number = fc.double().map((x) => (x === 0 ? 0 : x))
    const any = fc.record({
      text: fc.string({ unit: fc.oneof(fc.constantFrom('\n', '\u2028', '"'), fc.string()) }),
      numbers: fc.array(number),
      nested: fc.option(fc.record({ value: fc.option(number) })),
      probe: fc.option(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__')), number)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength: 4 }), async (parts) => {
        const records = parts.map((part, i) => ({ step: i + 1, ...part }))
        rmSync(join(folder, 'log.jsonl'), { force: true })
        const log = runLog(kind)
        await log.start(info())
        for (const each of records) await log.log(entryOf(kind, each))
        await log.finish({ step: records.length, status: 'finished' })
        const found = []
        for await (const each of readLog(folder, kind)) found.push(each)
        expect(found).toEqual(records)
      }),
      { seed, numRuns: count },
    )
  },
)

test('a file of another name has its lines', async () => {
  const kind: RecordKind<{ step: number; loss: number }> = {
    name: 'any',
    metrics: [],
    log: jsonLines('other.jsonl'),
  }
  const log = runLog(kind)
  await log.start(info())
  await log.log(entryOf(kind, { step: 1, loss: NaN }))
  await log.finish({ step: 1, status: 'finished' })
  expect(readFileSync(join(folder, 'other.jsonl'), 'utf8')).toBe('{"step":1,"loss":"NaN"}\n')
})
