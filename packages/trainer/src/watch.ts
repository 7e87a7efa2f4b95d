/**
 * Signs of collapse that need no labels. Agreement and reward are none: they rise when a model gives one answer to
 * everything. What shows it is the same answer to a question text whatever the image, a policy far from its start, and
 * questions that the start proposer would hardly have asked.
 */
import { checkInteger, checkNumber } from '@evolmm/internal'
import {
  answerShares,
  collapseDetector,
  sharesHaveRisen,
  type AnswerShares,
  type AskedQuestion,
  type CollapseState,
} from '@evolmm/rl-core'
import type { Alarm, ImageRecord, UpdateRecord, WatchRecord } from './record'

export interface WatchOptions {
  /** Latest questions that are compared with the first ones. @default 200 */
  window?: number | undefined
  /** Entropy of the answers, in nats, below which they count as all the same. @default 0.01 */
  entropyFloor?: number | undefined
  /** Iterations in a row without entropy, or with equal rewards. @default 100 */
  patience?: number | undefined
  /** Divergence from the start policy, in nats per token, as a running mean over `window` questions. @default 0.1 */
  kl?: number | undefined
}

export interface WatchState {
  /** Latest questions with the answer that won, oldest first. */
  questions: readonly (AskedQuestion & { logProbability: number | null })[]
  /** Of the first whole window; `null` until then. */
  start: (AnswerShares & { logProbability: number | null }) | null
  /** Running means: one iteration's divergence is that of a few questions, and jumps. */
  kl: Readonly<Record<'solver' | 'proposer', number>>
  collapse: CollapseState
}

export const initialWatch: WatchState = {
  questions: [],
  start: null,
  kl: { solver: 0, proposer: 0 },
  collapse: { lowEntropy: 0, equalRewards: 0 },
}

/** Nats per token by which questions have become less likely. */
const unlikelier = 1

export interface Watch {
  observe: (
    iteration: {
      images: readonly ImageRecord[]
      solver: UpdateRecord | null
      proposer: UpdateRecord | null
    },
    state: WatchState,
  ) => { watch: WatchRecord; state: WatchState }
}

export function watch(options: WatchOptions = {}): Watch {
  const window = checkInteger('watch.window', options.window ?? 200, { min: 1 })
  const largestKl = checkNumber('watch.kl', options.kl ?? 0.1, { above: 0 })
  const detector = collapseDetector({
    entropyFloor: checkNumber('watch.entropyFloor', options.entropyFloor ?? 0.01, { min: 0 }),
    patience: checkInteger('watch.patience', options.patience ?? 100, { min: 1 }),
  })
  return {
    observe({ images, solver, proposer }, state) {
      const asked = images.filter(({ answers }) => answers.length > 0)
      const questions = [
        ...state.questions,
        ...asked.map(({ question, majority, questionLogProbability }) => ({
          text: (question ?? '').toLowerCase(),
          majority,
          logProbability: questionLogProbability,
        })),
      ].slice(-window)
      const now = { ...answerShares(questions), logProbability: meanOf(questions) }
      const start = state.start ?? (questions.length === window ? now : null)
      const collapse = detector.observe(
        {
          entropy: mean(asked.flatMap(({ entropy }) => entropy ?? [])),
          rewards: asked.flatMap(({ answers }) => answers.map(({ reward }) => reward)),
        },
        state.collapse,
      )
      const alarms: Alarm[] = []
      if (collapse.collapsed !== null) alarms.push(collapse.collapsed)
      if (start !== null && sharesHaveRisen(now, start)) alarms.push('constant-answers')
      const weight = Math.min(1, images.length / window)
      const running = (before: number, update: UpdateRecord | null) =>
        before + weight * ((update?.kl ?? before) - before)
      const kl = { solver: running(state.kl.solver, solver), proposer: running(state.kl.proposer, proposer) }
      if (Math.max(kl.solver, kl.proposer) > largestKl) alarms.push('kl')
      if (
        start?.logProbability != null &&
        now.logProbability !== null &&
        now.logProbability < start.logProbability - unlikelier
      )
        alarms.push('unlikely-questions')
      return {
        watch: { topAnswerShare: now.mean, startTopAnswerShare: start?.mean ?? null, alarms },
        state: { questions, start, kl, collapse: collapse.state },
      }
    },
  }
}

function meanOf(questions: WatchState['questions']): number | null {
  return mean(questions.flatMap(({ logProbability }) => logProbability ?? []))
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}
