/** One image of an iteration and what becomes of it: each stage of the loop fills in its field. */
import type { Sample } from '@evolmm/dataset'
import type { Answer, GroupStatistics, ParsedQuestion } from '@evolmm/rewards'
import type { Completion, EncodedImage, Prompt } from '@evolmm/vlm'
import type { GradedAnswer } from './custom-functions'
import type { ProposerRewards, SolverRewards } from './reward-rules'
import type { Role } from './role'

/** A field is `null` until its stage, and stays so where an earlier stage was the last: nobody asks what was rejected. */
export interface Episode {
  readonly sample: Sample
  /** The image as the model of each role has encoded it; `null` for one that cannot be decoded. */
  readonly seen: Readonly<Record<Role, EncodedImage>> | null
  proposed: Proposed | null
  answered: Answered | null
  graded: Graded | null
  /** What each role has to learn from it in this iteration. */
  readonly lessons: Record<Role, Lesson | null>
}

export interface Proposed {
  prompt: Prompt
  completion: Completion
  parsed: ParsedQuestion
  /** The question to ask, whether or not it is rejected; `null` when there is none. */
  question: string | null
  rejected: 'malformed' | 'unlikely' | null
  /** Mean over the completion's tokens under the start proposer, in nats. */
  logProbability: number
}

interface Answered {
  /** The place among all questions of the iteration that are asked. */
  place: number
  prompt: Prompt
  completions: readonly Completion[]
}

export interface Graded {
  answers: readonly GradedAnswer[]
  /** The answers as written, before they are normalised. */
  raw: readonly Answer[]
  statistics: GroupStatistics
  /** What each answer earns by each reward. */
  rewards: readonly SolverRewards[]
  /** The rewards that are learned from. */
  used: readonly (number | null)[]
  /** What the question earns by each reward. */
  proposerRewards: ProposerRewards
}

export interface Lesson {
  prompt: Prompt
  completions: readonly Completion[]
  /** One for each completion; `null` for what was not scored. */
  rewards: readonly (number | null)[]
  /** One for each completion; none until the update is prepared. */
  advantages: readonly (number | null)[]
}

type Stage = 'seen' | 'proposed' | 'answered' | 'graded'

/** The episodes in which all of these stages took place. */
export function reached<S extends Stage>(
  episodes: readonly Episode[],
  ...stages: S[]
): (Episode & { [K in S]: NonNullable<Episode[K]> })[] {
  return episodes.filter((episode): episode is Episode & { [K in S]: NonNullable<Episode[K]> } =>
    stages.every((stage) => episode[stage] !== null),
  )
}
