/** What the answers to each question are, and what they and the question are worth. */
import {
  continuousProposerReward,
  continuousSolverReward,
  discreteProposerReward,
  discreteSolverReward,
  groupStatistics,
  INVALID,
  parseAnswer,
  solverSample,
} from '@evolmm/rewards'
import type { GradedAnswer } from './custom-functions'
import { reached, type BothRewards, type Episode } from './episode'
import type { Loop } from './loop'
import { normalizer } from './normalizer'
import { ownRewards } from './over-group'

export async function grade(loop: Loop, step: number, episodes: readonly Episode[]): Promise<void> {
  const { untagged_answers: untagged } = loop.settings
  const answered = reached(episodes, 'proposed', 'answered')
  const rules = rewardRules(loop)
  const answers = answered.map((episode) => readAnswers(loop, step, episode))
  const rewards = answers.map(rules.solver)
  const used = await rewardsToLearnFrom(loop, answers, rewards)
  for (const [i, episode] of answered.entries()) {
    const normalized = answers[i].map(({ answer }) => answer)
    episode.graded = {
      answers: answers[i],
      raw: episode.answered.completions.map(({ text }) => parseAnswer(text, { untagged }).answer),
      statistics: groupStatistics(normalized),
      rewards: rewards[i],
      used: used[i],
      proposerRewards: rules.proposer({ ...episode.proposed.parsed, answers: normalized }),
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

/** Both rules of the method, for the answers to one question and for the question. */
function rewardRules({ settings }: Loop) {
  const band = { mu: settings.prop_entropy_mu, sigma: settings.prop_entropy_sigma }
  const solver = {
    continuous: continuousSolverReward({
      gamma: settings.solver_soft_gamma,
      lengthPenalty: settings.len_penalty_weight,
      targetWords: settings.len_penalty_target_words,
    }),
    discrete: discreteSolverReward(),
  }
  const proposer = { continuous: continuousProposerReward(band), discrete: discreteProposerReward(band) }
  type Question = Parameters<typeof proposer.continuous>[0][number]
  return {
    solver: (answers: readonly GradedAnswer[]): BothRewards[] => {
      const discrete = solver.discrete(answers)
      return solver.continuous(answers).map((reward, n) => ({ continuous: reward, discrete: discrete[n] }))
    },
    proposer: (question: Question): BothRewards => ({
      continuous: proposer.continuous([question])[0],
      discrete: proposer.discrete([question])[0],
    }),
  }
}

/** The rewards of one of the rules, or those of a function of one's own, for each question, for each answer. */
async function rewardsToLearnFrom(
  { settings: { reward }, group }: Loop,
  answers: readonly (readonly GradedAnswer[])[],
  rewards: readonly (readonly BothRewards[])[],
): Promise<readonly (readonly (number | null)[])[]> {
  if (typeof reward !== 'function') return rewards.map((each) => each.map((both) => both[reward]))
  const all = await ownRewards(group, answers.flat(), { setting: 'reward', of: 'answers', reward })
  let at = 0
  return answers.map(({ length }) => all.slice(at, (at += length)))
}
