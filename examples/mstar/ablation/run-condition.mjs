/** One run: a start, what improves it, and what it can do then on charts of both domains. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stepSets } from '@evolmm/tiny-world'
import { examine } from '../examine.mjs'
import { checkpoint, improve, warmUp, writeQuestions } from '../parts.mjs'

/** Runs lie here until they are stored; warm-ups stay, since the conditions of a seed share them. */
const home = join(tmpdir(), 'evolmm-mstar-ablation')

/** Returns what is stored of the run. */
export async function runCondition({ condition, seed, settings }) {
  const { start, charts, warmup, improve: given } = settings
  const data = await questionsOf(charts)
  const common = { data, seed }
  const began =
    start === 'checkpoint'
      ? checkpoint
      : (await warmUp({ ...common, ...warmup, folder: folderOf('warm-up', { seed, charts, warmup }) })).model
  const before = process.cpuUsage()
  const cyclesSeen = []
  const folder = folderOf('run', { condition, seed, settings })
  const { model } =
    given === undefined
      ? { model: began }
      : await improve({
          ...common,
          ...given,
          model: began,
          folder,
          onRecord: (record) => addCycle(cyclesSeen, record),
        })
  const { test, other } = stepSets({ ...charts, train: 0, unlabelled: 0, validation: 0 })
  const figures = await examine(model, { test, other }, { seed })
  const { user, system } = process.cpuUsage(before)
  await rm(folder, { recursive: true, force: true })
  return {
    ...{ condition, seed, settings },
    seconds: Math.round((user + system) / 1e6),
    figures: mapped(figures, (numbers) => mapped(numbers, rounded)),
    cycles: cyclesSeen,
  }
}

/** The file of what is learned from, which all runs share. */
async function questionsOf({ train }) {
  const folder = join(home, `charts-${train}`)
  const file = join(folder, 'train.jsonl')
  if (!existsSync(file)) await writeQuestions(folder, { train, unlabelled: 0, validation: 0 })
  return file
}

/** Of each cycle: its first step, answers that were drawn, the share of right ones, and how many were learned. */
function addCycle(cyclesSeen, { step, generated }) {
  if (generated === null) return
  const { answers, right, kept } = generated
  cyclesSeen.push({ step, answers, right: rounded(right), kept })
}

/** A folder of its own for all that decides what lies in it. */
function folderOf(name, decides) {
  const digest = createHash('sha256').update(JSON.stringify(decides)).digest('hex').slice(0, 12)
  return join(home, `${name}-${digest}`)
}

function mapped(record, of) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value)]))
}

function rounded(value) {
  return Number(value.toFixed(5))
}
