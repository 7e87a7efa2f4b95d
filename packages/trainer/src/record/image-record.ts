/** What became of each image of an iteration, as plain data. */
import type { Episode, Graded } from '../episode'
import { proposerRewardNames, type ProposerRewards } from '../reward-rules'
import { answerFields } from './answer-fields'
import { valuesOf } from './field'
import { questionFields } from './question-fields'
import type { AnswerRecord, ImageRecord } from './record'
import { voteFields } from './vote-fields'

export function imageRecord(episode: Episode): ImageRecord {
  const { graded } = episode
  return {
    ...valuesOf(questionFields, episode),
    ...valuesOf(voteFields, episode),
    answers: graded === null ? [] : answers(episode, graded),
    histogram: graded?.statistics.histogram ?? [],
    proposerRewards: graded?.proposerRewards ?? unscored(),
  }
}

function unscored(): ProposerRewards {
  return Object.fromEntries(proposerRewardNames.map((name) => [name, null])) as ProposerRewards
}

function answers({ answered, lessons }: Episode, graded: Graded): AnswerRecord[] {
  return (answered?.completions ?? []).map((completion, n) => ({
    ...valuesOf(answerFields, {
      completion,
      raw: graded.raw[n],
      answer: graded.answers[n].answer,
      words: graded.answers[n].words,
      reward: graded.used[n],
      advantage: lessons.solver?.advantages[n] ?? null,
    }),
    rewards: graded.rewards[n],
  }))
}
