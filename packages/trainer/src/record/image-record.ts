/** What became of each image of an iteration, as plain data. */
import type { Answered, Episode, Graded, Lesson, Proposed } from '../episode'
import type { AnswerRecord, ImageRecord } from './record'

export function imageRecord({ sample, proposed, answered, graded, lessons }: Episode): ImageRecord {
  return {
    path: sample.path,
    relativePath: sample.relativePath,
    epoch: sample.epoch,
    ...(proposed === null ? unreadable : questionRecord(proposed)),
    ...(answered === null || graded === null ? unanswered : answers(answered, graded, lessons.solver)),
    proposerReward: lessons.proposer?.rewards[0] ?? null,
    proposerAdvantage: lessons.proposer?.advantages[0] ?? null,
  }
}

const unreadable = {
  proposerText: '',
  proposerTokens: 0,
  question: null,
  faults: [],
  rejected: 'unreadable',
  questionLogProbability: null,
} satisfies Partial<ImageRecord>

const unanswered = {
  answers: [],
  histogram: [],
  majority: null,
  majorityCount: 0,
  agreement: 0,
  entropy: null,
  proposerRewards: { continuous: null, discrete: null },
} satisfies Partial<ImageRecord>

function questionRecord({ completion, parsed, question, rejected, logProbability }: Proposed) {
  return {
    proposerText: completion.text,
    proposerTokens: completion.ids.length,
    question,
    faults: parsed.faults,
    rejected,
    questionLogProbability: logProbability,
  } satisfies Partial<ImageRecord>
}

function answers({ completions }: Answered, graded: Graded, lesson: Lesson | null) {
  const { histogram, majority, majorityCount, agreement, entropy } = graded.statistics
  return {
    answers: completions.map(({ text, ids, finishReason }, n): AnswerRecord => ({
      text,
      raw: graded.raw[n],
      answer: graded.answers[n].answer,
      wordsBefore: graded.answers[n].words,
      tokens: ids.length,
      finishReason,
      rewards: graded.rewards[n],
      reward: graded.used[n],
      advantage: lesson?.advantages[n] ?? null,
    })),
    histogram,
    majority,
    majorityCount,
    agreement,
    entropy,
    proposerRewards: graded.proposerRewards,
  } satisfies Partial<ImageRecord>
}
