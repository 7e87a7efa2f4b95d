/**
 * Signs of collapse that need no labels. Agreement and reward are none: they rise when a model gives one answer to
 * everything. What shows it is the same answer to a question text whatever the image, a policy far from its start, and
 * questions that the start proposer would hardly have asked.
 */
import { checkInteger, checkNames, checkNumber, knownMean } from '@evolmm/internal'
import { answerShares, sharesHaveRisen, type AnswerShares, type AskedQuestion } from './answer-shares'
import { collapseDetector, type CollapseState } from './collapse-detector'

/** What is not said otherwise; settings of methods have their defaults from here. */
export const watchDefaults = { window: 200, kl: 0.1, entropyFloor: 0.01, patience: 100 }

export interface WatchOptions {
  /** Latest questions that are compared with the first ones. @default that of {@link watchDefaults} */
  window?: number | undefined
  /** Entropy of the answers, in nats, below which they count as all the same. @default that of {@link watchDefaults} */
  entropyFloor?: number | undefined
  /** Iterations in a row without entropy, or with equal rewards. @default that of {@link watchDefaults} */
  patience?: number | undefined
  /** Divergence from the start policy, in nats per token, as a running mean over `window` questions. @default that of {@link watchDefaults} */
  kl?: number | undefined
}

/** What one iteration showed. */
export interface WatchedIteration {
  /** The questions that were answered. */
  questions: readonly WatchedQuestion[]
  /** The entropy of each question's answers, in nats; `null` where none was measured. */
  entropies: readonly (number | null)[]
  rewards: readonly (number | null)[]
  /** All questions, also those that were not answered. */
  count: number
  /**
   * Divergence of each policy from its start by the policy's name, in nats per token; `null` in an iteration that did not
   * measure it.
   */
  kl: Readonly<Record<string, number | null>>
}

export interface WatchedQuestion extends AskedQuestion {
  /** The question's log-probability under the start proposer, in nats per token; `null` if unknown. */
  logProbability: number | null
}

export interface WatchRecord {
  /**
   * The share of the most frequent answer to a question text, over the window of latest questions; beside it the same
   * over the first window of the run. `null` until there is enough to say.
   */
  topAnswerShare: number | null
  startTopAnswerShare: number | null
  /** What this iteration raised, in plain words of a fixed list. */
  alarms: Alarm[]
}

export type Alarm =
  /** Answers have had next to no entropy for many iterations. */
  | 'entropy'
  /** All rewards have been equal for many iterations: there is nothing to learn from. */
  | 'reward-variance'
  /** The same answers come whatever the image. */
  | 'constant-answers'
  /** A policy is far from where it began. */
  | 'kl'
  /** The proposer writes what it would hardly have written at the start. */
  | 'unlikely-questions'

export interface WatchState {
  /** The latest questions, oldest first. */
  questions: readonly WatchedQuestion[]
  /** What the first whole window showed; `null` until then. */
  start: (AnswerShares & { logProbability: number | null }) | null
  /** Running means by the policy's name: one iteration's divergence is that of a few questions, and jumps. */
  kl: Readonly<Partial<Record<string, number>>>
  collapse: CollapseState
}

export interface CollapseWatch {
  /** The state before the first iteration. */
  readonly initial: WatchState
  observe(iteration: WatchedIteration, state: WatchState): { record: WatchRecord; state: WatchState }
}

/** Nats per token by which questions have become less likely. */
const unlikelier = 1

export function collapseWatch(options: WatchOptions = {}): CollapseWatch {
  checkNames('collapseWatch', options, { window: true, entropyFloor: true, patience: true, kl: true })
  const window = checkInteger('watch.window', options.window ?? watchDefaults.window, { min: 1 })
  const largestKl = checkNumber('watch.kl', options.kl ?? watchDefaults.kl, { above: 0 })
  const detector = collapseDetector({
    entropyFloor: checkNumber('watch.entropyFloor', options.entropyFloor ?? watchDefaults.entropyFloor, {
      min: 0,
    }),
    patience: checkInteger('watch.patience', options.patience ?? watchDefaults.patience, { min: 1 }),
  })
  return {
    initial: { questions: [], start: null, kl: {}, collapse: detector.initial },
    observe({ questions: latest, entropies, rewards, count, kl: measured }, state) {
      const questions = [...state.questions, ...latest].slice(-window)
      const now = {
        ...answerShares(questions),
        logProbability: knownMean(questions.map(({ logProbability }) => logProbability)),
      }
      const start = state.start ?? (questions.length === window ? now : null)
      const { collapsed, state: collapse } = detector.observe(
        { entropy: knownMean(entropies), rewards },
        state.collapse,
      )
      const alarms: Alarm[] = []
      if (collapsed !== null) alarms.push(collapsed)
      if (start !== null && sharesHaveRisen(now, start)) alarms.push('constant-answers')
      const weight = Math.min(1, count / window)
      const kl = Object.fromEntries(
        Object.entries(measured).map(([policy, now]) => {
          const before = state.kl[policy] ?? 0
          return [policy, before + weight * ((now ?? before) - before)]
        }),
      )
      if (Math.max(...Object.values(kl)) > largestKl) alarms.push('kl')
      if (
        start?.logProbability != null &&
        now.logProbability !== null &&
        now.logProbability < start.logProbability - unlikelier
      )
        alarms.push('unlikely-questions')
      return {
        record: { topAnswerShare: now.mean, startTopAnswerShare: start?.mean ?? null, alarms },
        state: { questions, start, kl, collapse },
      }
    },
  }
}
