/** What of an iteration is drawn as a curve: one number each, or `null` where there is none. */
import type { ImageRecord, IterationRecord } from '../record'

type Measure = (record: IterationRecord) => number | null

export const measures = {
  agreement: ofAsked(({ agreement }) => agreement),
  answerEntropy: ofAsked(({ entropy }) => entropy),
  topAnswerShare: ({ watch }) => watch.topAnswerShare,
  solverReward: ({ images, solver }) =>
    mean(images.flatMap(({ answers }) => answers.map(({ reward }) => reward))) ?? solver?.rewardMean ?? null,
  proposerReward: ({ images, proposer }) =>
    mean(images.map(({ proposerReward }) => proposerReward)) ?? proposer?.rewardMean ?? null,
  invalidShare: ({ images }) =>
    mean(images.flatMap(({ answers }) => answers.map(({ answer }) => (answer === null ? 1 : 0)))),
  rejectedShare: ({ images }) => mean(images.map(({ rejected }) => (rejected === null ? 0 : 1))),
  solverKl: ({ solver }) => solver?.kl ?? null,
  proposerKl: ({ proposer }) => proposer?.kl ?? null,
  solverBeta: ({ solver }) => solver?.beta ?? null,
  proposerBeta: ({ proposer }) => proposer?.beta ?? null,
  questionLogProbability: ({ images }) =>
    mean(images.map(({ questionLogProbability }) => questionLogProbability)),
  answerTokens: ({ images }) => mean(images.flatMap(({ answers }) => answers.map(({ tokens }) => tokens))),
  wordsBefore: ({ images }) =>
    mean(images.flatMap(({ answers }) => answers.map(({ wordsBefore }) => wordsBefore))),
  proposerTokens: ({ images }) => mean(images.map(({ proposerTokens }) => proposerTokens)),
  solverCe: ({ solver }) => solver?.ce ?? null,
  proposerCe: ({ proposer }) => proposer?.ce ?? null,
  solverGradient: ({ solver }) => solver?.gradientNorm ?? null,
  proposerGradient: ({ proposer }) => proposer?.gradientNorm ?? null,
  solverGap: ({ solver }) => solver?.samplerGap ?? null,
  proposerGap: ({ proposer }) => proposer?.samplerGap ?? null,
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof measures

/** The mean over the images whose question was asked. */
function ofAsked(of: (image: ImageRecord) => number | null): Measure {
  return ({ images }) => mean(images.filter(({ answers }) => answers.length > 0).map(of))
}

/** The mean of the values that are there. */
function mean(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null)
  return present.length > 0 ? present.reduce((sum, value) => sum + value, 0) / present.length : null
}
