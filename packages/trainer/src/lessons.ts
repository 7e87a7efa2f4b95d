/** What each role has to learn from an iteration. */
import type { GradedQuestion } from './custom-functions'
import { reached, type Episode } from './episode'
import type { Loop } from './loop'
import { ownRewards } from './over-group'
import { proposerRewardNames } from './reward-rules'

export async function setLessons(loop: Loop, step: number, episodes: readonly Episode[]): Promise<void> {
  const { proposer_update_freq: every } = loop.settings
  for (const { answered, graded, lessons } of reached(episodes, 'answered', 'graded'))
    lessons.solver = {
      prompt: answered.prompt,
      completions: answered.completions,
      rewards: graded.used,
      advantages: [],
    }
  if (every === 0 || step % every !== 0) return
  const proposed = reached(episodes, 'proposed')
  const rewards = await proposerRewards(loop, step, proposed)
  for (const [i, { proposed: question, lessons }] of proposed.entries())
    lessons.proposer = {
      prompt: question.prompt,
      completions: [question.completion],
      rewards: [rewards[i]],
      advantages: [],
    }
}

type ProposedEpisode = ReturnType<typeof reached<'proposed'>>[number]

async function proposerRewards(
  { settings, group }: Loop,
  step: number,
  proposed: readonly ProposedEpisode[],
): Promise<readonly (number | null)[]> {
  const { reward, proposer_reward: own } = settings
  const rule = own ?? proposerRewardNames.find((name) => name === reward) ?? proposerRewardNames[0]
  // A question that could not be asked is worth nothing, which is less than any other.
  if (typeof rule !== 'function') return proposed.map(({ graded }) => graded?.proposerRewards[rule] ?? 0)
  const questions = proposed.map((episode) => gradedQuestion(step, episode))
  return ownRewards(group, questions, { setting: 'proposer_reward', of: 'questions', reward: rule })
}

function gradedQuestion(step: number, { sample, proposed, graded }: ProposedEpisode): GradedQuestion {
  const answers = graded?.answers ?? []
  return {
    ...proposed.parsed,
    question: proposed.question,
    answers: answers.map(({ answer }) => answer),
    step,
    image: sample.relativePath,
    text: proposed.completion.text,
    rejected: proposed.rejected,
    logProbability: proposed.logProbability,
    graded: answers.map((answer, n) => ({ ...answer, reward: graded?.used[n] ?? null })),
  }
}
