/** The Solver's half of an iteration: N answers to each question, and what they are worth. */
import { EvolmmError } from '@evolmm/internal'
import {
  continuousProposerReward,
  continuousSolverReward,
  discreteProposerReward,
  discreteSolverReward,
  groupStatistics,
  INVALID,
  normalizeCanonical,
  normalizeReleased,
  parseAnswer,
  solverSample,
  type Answer,
  type GroupStatistics,
} from '@evolmm/rewards'
import type { Completion, Prompt } from '@evolmm/vlm'
import type { EvolveOptions, GradedAnswer } from './options'
import { defaultSolverPrompt } from './prompts'
import type { Proposal } from './propose'
import { roleSeed } from './role-seed'

export interface Solved {
  proposal: Proposal
  prompt: Prompt
  completions: readonly Completion[]
  graded: readonly GradedAnswer[]
  /** As written, before it is normalised. */
  raw: readonly Answer[]
  statistics: GroupStatistics
  rewards: readonly { continuous: number | null; discrete: number | null }[]
  /** The rewards that are learned from. */
  used: readonly (number | null)[]
  proposerRewards: { continuous: number | null; discrete: number | null }
}

/** Of the proposals that were not rejected, in their order. */
export async function solve(
  options: EvolveOptions,
  step: number,
  proposals: readonly Proposal[],
): Promise<Solved[]> {
  const { solver, state, samples = 5, sampling = {}, prompts = {}, rewards = {}, seed = 42 } = options
  if (proposals.length === 0) return []
  const { solver: template = defaultSolverPrompt, system } = prompts
  const asked = proposals.map(({ question, solver: image }) =>
    solver.prompt({
      images: [image],
      prompt: template.replaceAll('{question}', () => question ?? ''),
      ...(system !== undefined && { system }),
    }),
  )
  const completions = await solver.sample({
    prompts: asked,
    adapter: state.solver.adapter,
    samples,
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK,
    maxNewTokens: sampling.solverTokens,
    seeds: proposals.map((_, i) => roleSeed(seed, step, 'solver', i)),
  })

  const normalize = rewards.normalize === 'released' ? normalizeReleased : normalizeCanonical
  const untagged = rewards.untagged ?? 'invalid'
  const graded = proposals.map(({ question, sample }, i) =>
    completions[i].map((completion): GradedAnswer => {
      const answer = solverSample(completion.text, { normalize, untagged, group: i })
      // The last line of an output that was cut off is not its answer.
      const cutOff = completion.finishReason === 'length' && !answer.wellFormed
      return {
        ...answer,
        ...(cutOff && { answer: INVALID }),
        step,
        image: sample.relativePath,
        question: question ?? '',
        text: completion.text,
      }
    }),
  )
  const all = graded.flat()
  const { gamma, lengthPenalty, targetWords, entropyBand, kind = 'continuous' } = rewards
  const continuous = continuousSolverReward({ gamma, lengthPenalty, targetWords })(all)
  const discrete = discreteSolverReward()(all)
  const used = typeof kind === 'function' ? await kind(all) : kind === 'discrete' ? discrete : continuous
  if (!Array.isArray(used) || used.length !== all.length)
    throw new EvolmmError(
      'INVALID_REWARD',
      `rewards.kind: must return a list with a reward for each of ${all.length} answers, got ${Array.isArray(used) ? used.length : typeof used}; null is for one without`,
    )
  const band = [continuousProposerReward(entropyBand), discreteProposerReward(entropyBand)]

  return proposals.map((proposal, i) => {
    const part = <T>(values: readonly T[]) => values.slice(i * samples, (i + 1) * samples)
    const answers = graded[i].map(({ answer }) => answer)
    const [[ofQuestion], [discretely]] = band.map((reward) => reward([{ ...proposal.parsed, answers }]))
    const discreteRewards = part(discrete)
    return {
      proposal,
      prompt: asked[i],
      completions: completions[i],
      graded: graded[i],
      raw: completions[i].map(({ text }) => parseAnswer(text, { untagged }).answer),
      statistics: groupStatistics(answers),
      rewards: part(continuous).map((reward, n) => ({ continuous: reward, discrete: discreteRewards[n] })),
      used: part(used),
      proposerRewards: { continuous: ofQuestion, discrete: discretely },
    }
  })
}
