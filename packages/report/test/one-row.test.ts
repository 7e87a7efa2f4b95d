/** A new number is one row of a method's table: everything that shows numbers shows it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLog, run, statusLine, type Method } from '@evolmm/runs'
import { resolve } from '@evolmm/settings'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bandit, banditMetrics, banditSettings, type Pull } from '../../runs/test/support/bandit'
import { writeReport } from '../src'
import { checkHtml } from './support/check-html'

/** What the loop knows while it plays, and no line of the log has. */
const regrets = new Map<number, number>()

/** The method with a row more. */
const richer: Method<Pull, (typeof banditSettings)['rows']> = {
  ...bandit,
  metrics: [
    ...banditMetrics,
    {
      name: 'regret/mean',
      aliases: ['regret'],
      meaning: 'reward that another arm would have paid',
      read: ({ step }) => regrets.get(step),
      stored: true,
      status: 'regret',
      panel: 'Hindsight',
      title: 'Regret',
      chart: { note: 'It falls as the best arm is found.' },
      compared: 'Regret',
    },
  ],
}

let folder: string
const written: string[] = []
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-one-row-'))
  for (let step = 1; step <= 4; step++) regrets.set(step, step === 3 ? NaN : step / 8)
  await run(richer, {
    folder,
    settings: resolve(banditSettings, { total_steps: 4, wandb_mode: 'offline' }),
    trackers: [
      statusLine({ output: { write: (text) => written.push(text) }, everySeconds: 0, clock: () => 0 }),
    ],
  })
  regrets.clear()
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const lines = (...path: string[]) =>
  readFileSync(join(folder, ...path), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('the log has it, and gives it back', async () => {
  expect(lines('log.jsonl').map(({ metrics }) => metrics)).toEqual(
    [0.125, 0.25, 'NaN', 0.5].map((value) => ({ 'regret/mean': value })),
  )
  const records: Pull[] = []
  for await (const record of readLog(folder, richer)) records.push(record)
  expect(records[2]).toHaveProperty('metrics', { 'regret/mean': NaN })
})

test('TensorBoard and W&B have it by all its names', () => {
  const events = readdirSync(folder).find((name) => name.startsWith('events.out.tfevents.')) ?? ''
  const bytes = readFileSync(join(folder, events))
  // A tag, its length before it, and the number as a little-endian float of field 2.
  for (const name of ['regret/mean', 'regret'])
    expect(bytes.includes(Buffer.from([...tagged(name), 0x15, 0, 0, 0, 0x3f])), name).toBe(true)
  expect(lines('wandb/journal.jsonl')[3].history).toMatchObject({ 'regret/mean': 0.5, regret: 0.5 })
})

test('the status line shows it', () => {
  expect(written[3]).toMatch(/^4\/4, .*, reward \S+, regret 0\.5\n$/)
})

test('the page draws it in its section and compares it', async () => {
  const { problems, text } = checkHtml(readFileSync(await writeReport({ folder, kind: richer }), 'utf8'))
  expect(problems).toEqual([])
  const words = text.replace(/\s+/g, ' ')
  expect(words).toMatch(/Hindsight Regret .* 0\.500 It falls as the best arm is found\./)
  expect(words).toContain('Regret 0.125 0.500 +0.375')
})

test('a log of before there was the row still reads', async () => {
  const before = mkdtempSync(join(tmpdir(), 'evolmm-one-row-'))
  await run(bandit, {
    folder: before,
    settings: resolve(banditSettings, { total_steps: 2, tensorboard: false }),
  })
  const { text } = checkHtml(readFileSync(await writeReport({ folder: before, kind: richer }), 'utf8'))
  expect(text).toContain('Best arm')
  expect(text).not.toContain('Hindsight')
  rmSync(before, { recursive: true })
})

function tagged(name: string): number[] {
  return [0x0a, name.length, ...Buffer.from(name)]
}
