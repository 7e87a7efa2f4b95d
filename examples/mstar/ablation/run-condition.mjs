/** One run: a start, what improves it, and what it can do then on charts of both domains. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mstar } from '@evolmm/mstar'
import { readLog } from '@evolmm/runs'
import { stepSets } from '@evolmm/tiny-world'
import { examine } from '../examine.mjs'
import { checkpoint, improve, learnReward, warmUp, writeQuestions } from '../parts.mjs'
import { keptQuality } from './kept-quality.mjs'
import { randomScores, trueScores } from './scorers.mjs'
import { verify } from './verify.mjs'

/** Runs lie here until they are stored; warm-ups and reward models stay, since the conditions of a seed share them. */
const home = join(tmpdir(), 'evolmm-mstar-ablation')

/** Returns what is stored of the run. */
export async function runCondition({ condition, seed, settings }) {
  const before = process.cpuUsage()
  const { charts, improve: given, drawn } = settings
  const folder = folderOf('run', { condition, seed, settings })
  const files = await questionsOf(charts)
  const start = await startOf(settings, { seed, files })
  const model =
    given === undefined ? start.model : (await improved(settings, { seed, files, folder, ...start })).model
  const { test, other } = stepSets({ test: charts.test, train: 0, unlabelled: 0, validation: 0 })
  const found =
    drawn === undefined
      ? { figures: await examine(model, { test, other }, { seed }) }
      : { chosen: await verify(model, start.reward, { test, other }, { samples: drawn, seed }) }
  const cycles = given === undefined ? [] : await cyclesOf(folder, { settings, seed })
  const { user, system } = process.cpuUsage(before)
  await rm(folder, { recursive: true, force: true })
  return {
    condition,
    seed,
    settings,
    seconds: Math.round((user + system) / 1e6),
    ...rounded({ ...found, cycles }),
  }
}

/** The model that a run starts with, and the reward model if it has a learned one; what is there is not made again. */
async function startOf({ start, charts, warmup, reward: settings }, { seed, files }) {
  if (start === 'checkpoint') return { model: checkpoint }
  const common = { seed, data: files.train }
  const decides = { seed, charts: { train: charts.train, test: charts.test }, warmup }
  const { model } = await warmUp({ ...common, ...warmup, folder: folderOf('warm-up', decides) })
  if (settings === undefined) return { model }
  const folder = folderOf('reward', { ...decides, reward: settings })
  return { model, reward: (await learnReward({ ...common, ...settings, model, folder })).model }
}

function improved({ improve: given, scores, charts }, { seed, files, folder, model, reward }) {
  return improve({
    ...{ seed, data: files.train, model, folder },
    ...given,
    ...(charts.validation > 0 && { validation: files.validation }),
    ...(charts.unlabelled > 0 && given.unlabelled_from !== undefined && { unlabelled: files.unlabelled }),
    ...(scores === 'learned' && { reward_model: reward }),
    ...(scores === 'random' && { reward_model: scores, scoreSteps: randomScores(seed) }),
    ...(scores === 'oracle' && { reward_model: scores, scoreSteps: trueScores }),
  })
}

/** The files of questions, which all runs share. */
async function questionsOf({ train, unlabelled = 0, validation = 0 }) {
  const folder = join(home, `charts-${train}-${unlabelled}-${validation}`)
  const names = [
    'train',
    ...(unlabelled > 0 ? ['unlabelled'] : []),
    ...(validation > 0 ? ['validation'] : []),
  ]
  const files = Object.fromEntries(names.map((name) => [name, join(folder, `${name}.jsonl`)]))
  if (!Object.values(files).every((file) => existsSync(file)))
    await writeQuestions(folder, { train, unlabelled, validation })
  return files
}

/**
 * Of each cycle: its first step, answers that were drawn, the share of right ones, how many were learned, the share of those
 * that is true in every step, the temperature, and what was watched after it.
 */
async function cyclesOf(folder, { settings: { improve: given, charts }, seed }) {
  const { train: asked } = stepSets({ train: charts.train, unlabelled: 0, validation: 0, test: 0 })
  const cycles = []
  for await (const { step, cycle, temperature, alpha, generated, dynamics } of readLog(folder, mstar)) {
    if (generated !== null) {
      const { answers, right, kept } = generated
      const proven = await keptQuality(folder, { ...given, seed, cycle, alpha, asked })
      cycles.push({ step, answers, right, kept, proven, temperature })
    }
    if (dynamics !== null) cycles.at(-1).dynamics = dynamics
  }
  return cycles
}

/** A folder of its own for all that decides what lies in it. */
function folderOf(name, decides) {
  const digest = createHash('sha256').update(JSON.stringify(decides)).digest('hex').slice(0, 12)
  return join(home, `${name}-${digest}`)
}

/** The same with all numbers in five digits after the point. */
function rounded(value) {
  return JSON.parse(JSON.stringify(value), (_, each) =>
    typeof each === 'number' ? Number(each.toFixed(5)) : each,
  )
}
