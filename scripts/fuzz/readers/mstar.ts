/** What a run of M-STaR and its parts leave on disk. */
import { formatStatus } from '../../../packages/cli/src/mstar/format-status'
import { readJournal } from '../../../packages/mstar/src/journal'
import { labels } from '../../../packages/mstar/src/prm/labels-file'
import { scores } from '../../../packages/mstar/src/prm/scores-file'
import { readRollouts, readStatus } from '../../../packages/mstar/src/index'
import { asFile, given, type FuzzedReader } from './reader'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const head = '{"data":"abc","policy":"def","questions":2}'
const answer =
  '{"text":"7","count":2,"reading":"7","right":true,"steps":[0.5],"ids":[5,6],"log_probabilities":"AAAAAAAAAAA="}'
const record = {
  ...{ step: 1, loss: 0.5, learningRate: 1e-4, gradientNorm: 1, skipped: false, images: 1, answers: 2 },
  ...{ tokens: 9, seconds: 1, cycle: 1, temperature: 1, alpha: 0.5, sweep: null },
  generated: { questions: 2, answers: 4, distinct: 3, right: 0.5, unreadable: 0, kept: 2, useful: 1 },
  dynamics: { questions: 2, greedy: 0.5, pass: { 1: 0.5 }, headroom: 0.5, majority: 0.5 },
  phases: { generate: 1, monitor: 1, sweep: 0 },
}
const report = {
  ...{ answers: 2, steps: 3, stepAuc: 0.5, answerAuc: null, squaredError: 0.1, baselineError: 0.2 },
  calibration: { error: 0.1, bins: [{ low: 0, high: 0.1, count: 3, predicted: 0.05, actual: 0.5 }] },
}

/** A folder in which the loop has begun, or the making of a reward model. */
function begun(folder: string, method: string): void {
  const run = { schema_version: 1, method, name: 'x', started: '2026-01-01T00:00:00.000Z' }
  const more = { versions: {}, config: { total_steps: 2 }, identity: {}, probe: null }
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...run, ...more }))
}

const status = async (folder: string) => formatStatus(await readStatus(folder))

export const mstarReaders: readonly FuzzedReader[] = [
  {
    ...{ name: 'answers of a policy', text: true },
    corpus: given(`${head}\n{"question":3,"answers":[${answer}]}\n{"question":4,"answers":[]}\n`),
    read: asFile('answers.jsonl', async (file) => {
      const stored = await readRollouts(file)
      await stored.close()
    }),
  },
  {
    ...{ name: 'values of steps', text: true },
    corpus: given(`${head}\n{"place":0,"answers":[{"answer":1,"steps":[{"end":3,"value":0.5}]}]}\n`),
    read: asFile('steps.jsonl', async (file) => {
      const stored = await readJournal(file, labels)
      await stored.close()
    }),
  },
  {
    ...{ name: 'scores of steps', text: true },
    corpus: given(`${head}\n{"place":0,"scores":[[0.5,1],[0]]}\n`),
    read: asFile('held_out.jsonl', async (file) => {
      const stored = await readJournal(file, scores)
      await stored.close()
    }),
  },
  {
    ...{ name: 'status of a run of M-STaR', text: true },
    corpus: given(`${JSON.stringify(record)}\n`),
    read: asFile(
      'mstar_log.jsonl',
      (_, folder) => status(folder),
      (folder) => {
        begun(folder, 'mstar')
      },
    ),
  },
  {
    ...{ name: 'report of a reward model', text: true },
    corpus: given(JSON.stringify(report)),
    read: asFile(
      'prm/report.json',
      (_, folder) => status(folder),
      (folder) => {
        begun(join(folder, 'prm'), 'prm')
      },
    ),
  },
]
