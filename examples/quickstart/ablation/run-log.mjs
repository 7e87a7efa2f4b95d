/**
 * What is kept of a run's records: curves in windows of 50 iterations, alarms, iterations whose own divergence was large,
 * what was asked, and how the answers split. Truth is looked up for the analysis alone; nothing of it flows back.
 */
import { parseQuestion, questionKinds } from '@evolmm/tiny-world'
import { trueAnswer } from './rewards.mjs'

const window = 50

/** `kept`: what `read` gave at the end of a window, to go on from. */
export function runLog(kept) {
  const log = kept ?? { curve: {}, alarms: {}, largeKl: 0, asked: [], modes: [], splits: {} }
  let some = []
  return {
    add(record) {
      some.push(record)
      for (const alarm of record.watch.alarms) {
        log.alarms[alarm] ??= { first: record.step, count: 0 }
        log.alarms[alarm].count++
      }
      if ((record.solver?.kl ?? 0) > 0.1) log.largeKl++
      if (record.step <= window) addSplits(log.splits, record.images)
      if (record.step % window !== 0) return
      for (const [name, value] of Object.entries(point(some))) (log.curve[name] ??= []).push(value)
      // The first and the last window.
      log.asked.splice(1, 1, questionMix(some))
      log.modes.splice(1, 1, modes(some))
      some = []
    },
    read: () => log,
  }
}

function point(records) {
  const images = records.flatMap((record) => record.images)
  const answered = images.filter(({ answers }) => answers.length > 0)
  const { watch, solver } = records.at(-1)
  return {
    step: records.at(-1).step,
    entropy: mean(answered.map(({ entropy }) => entropy)),
    agreement: mean(answered.map(({ agreement }) => agreement)),
    right: mean(
      answered.map(({ relativePath, question, majority }) =>
        majority !== null && majority === trueAnswer(relativePath, question) ? 1 : 0,
      ),
    ),
    kl: mean(records.map((record) => record.solver?.kl ?? null)),
    proposerKl: mean(records.map(({ proposer }) => proposer?.kl ?? null)),
    proposerReward: mean(answered.map(({ proposerRewards }) => proposerRewards.continuous)),
    beta: solver?.beta ?? null,
    share: precise(watch.topAnswerShare),
    startShare: precise(watch.startTopAnswerShare),
    questions: mean(images.map(({ questionLogProbability }) => questionLogProbability)),
    rejected: mean(images.map(({ rejected }) => (rejected === null ? 0 : 1))),
    push: mean(
      answered.flatMap(({ answers }) =>
        answers.map(({ advantage }) => (advantage === null ? null : Math.abs(advantage))),
      ),
    ),
    gradient: mean(records.map((record) => record.solver?.gradientNorm ?? null)),
  }
}

/** Share of each kind of question, of those whose chart has no such bar, and of texts that are none of ours. */
function questionMix(records) {
  const counts = {}
  const images = records.flatMap((record) => record.images)
  for (const { question, relativePath } of images) {
    const kind = parseQuestion(question ?? '')?.kind ?? 'other'
    const name = kind !== 'other' && trueAnswer(relativePath, question) === undefined ? 'unanswerable' : kind
    counts[name] = (counts[name] ?? 0) + 1
  }
  return Object.fromEntries(
    Object.keys(counts)
      .sort()
      .map((name) => [name, precise(counts[name] / images.length)]),
  )
}

/** Share of the majority that is most frequent, of each kind of question. */
function modes(records) {
  const counts = {}
  for (const { question, majority } of records.flatMap(({ images }) => images)) {
    const kind = parseQuestion(question ?? '')?.kind
    if (kind === undefined || majority === null) continue
    counts[kind] ??= {}
    counts[kind][majority] = (counts[kind][majority] ?? 0) + 1
  }
  return Object.fromEntries(
    questionKinds
      .filter((kind) => counts[kind] !== undefined)
      .map((kind) => {
        const each = Object.values(counts[kind])
        return [kind, precise(Math.max(...each) / each.reduce((sum, count) => sum + count, 0))]
      }),
  )
}

/** Counts by how the five answers split: questions, those whose majority is true, the sum of |advantage| over answers. */
function addSplits(splits, images) {
  for (const { answers, histogram, majority, relativePath, question } of images) {
    if (answers.length === 0) continue
    const name = histogram
      .map(({ count }) => count)
      .sort((a, b) => b - a)
      .join('+')
    const row = (splits[name] ??= [0, 0, 0])
    row[0]++
    if (majority !== null && majority === trueAnswer(relativePath, question)) row[1]++
    row[2] = precise(row[2] + answers.reduce((sum, { advantage }) => sum + Math.abs(advantage ?? 0), 0))
  }
}

function mean(values) {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : precise(known.reduce((sum, value) => sum + value, 0) / known.length)
}

function precise(value) {
  return value === null ? null : Number(value.toPrecision(4))
}
