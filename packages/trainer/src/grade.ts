/** What the answers to each question are, and what they and the question are worth. */
import { groupStatistics, INVALID, parseAnswer, solverSample } from '@evolmm/rewards'
import type { GradedAnswer } from './custom-functions'
import { reached, type Episode } from './episode'
import type { Loop } from './loop'
import { normalizer } from './normalizer'
import { ownRewards } from './over-group'
import { proposerRewards, rewardsOf, solverRewards, type SolverRewards } from './reward-rules'

export async function grade(loop: Loop, step: number, episodes: readonly Episode[]): Promise<void> {
  const { untagged_answers: untagged } = loop.settings
  const answered = reached(episodes, 'proposed', 'answered')
  const solver = rewardsOf(solverRewards, loop.settings)
  const proposer = rewardsOf(proposerRewards, loop.settings)
  const answers = answered.map((episode) => readAnswers(loop, step, episode))
  const rewards = answers.map(solver)
  const used = await rewardsToLearnFrom(loop, answers, rewards)
  for (const [i, episode] of answered.entries()) {
    const normalized = answers[i].map(({ answer }) => answer)
    episode.graded = {
      answers: answers[i],
      raw: episode.answered.completions.map(({ text }) => parseAnswer(text, { untagged }).answer),
      statistics: groupStatistics(normalized),
      rewards: rewards[i],
      used: used[i],
      proposerRewards: proposer([{ ...episode.proposed.parsed, answers: normalized }])[0],
    }
  }
}

type AnsweredEpisode = ReturnType<typeof reached<'proposed' | 'answered'>>[number]

function readAnswers({ settings }: Loop, step: number, episode: AnsweredEpisode): GradedAnswer[] {
  const { sample, proposed, answered } = episode
  const normalize = normalizer(settings)
  return answered.completions.map(({ text, finishReason }) => {
    const answer = solverSample(text, {
      normalize,
      untagged: settings.untagged_answers,
      group: answered.place,
    })
    // The last line of an output that was cut off is not its answer.
    const cutOff = finishReason === 'length' && !answer.wellFormed
    return {
      ...answer,
      ...(cutOff && { answer: INVALID }),
      step,
      image: sample.relativePath,
      question: proposed.question ?? '',
      text,
    }
  })
}

/** The rewards by the one that is chosen, or those of a function of one's own, for each question, for each answer. */
async function rewardsToLearnFrom(
  { settings: { reward }, group }: Loop,
  answers: readonly (readonly GradedAnswer[])[],
  rewards: readonly (readonly SolverRewards[])[],
): Promise<readonly (readonly (number | null)[])[]> {
  if (typeof reward !== 'function') return rewards.map((each) => each.map(({ [reward]: chosen }) => chosen))
  const all = await ownRewards(group, answers.flat(), { setting: 'reward', of: 'answers', reward })
  let at = 0
  return answers.map(({ length }) => all.slice(at, (at += length)))
}
