/** What a run can be told. Every default is that of the released code unless the README's table says otherwise. */
import type { ImageDataset } from '@evolmm/dataset'
import type { ContinuousSolverRewardOptions, EntropyBandOptions, QuestionFault } from '@evolmm/rewards'
import type { ProcessGroup, WatchOptions } from '@evolmm/rl-core'
import type { GradientOptions, Learner, Sampler } from '@evolmm/vlm'
import type {
  Normalizer,
  ProposerPrompt,
  ProposerReward,
  SolverPrompt,
  SolverReward,
} from './custom-functions'
import type { TrainerState } from './state'

export interface EvolveOptions extends EvolveSettings {
  /** The backbone of each role; the same object when they share it. */
  solver: Sampler & Learner
  proposer: Sampler & Learner
  images: Pick<ImageDataset, 'sampleAt'>
  /** Where to go on from; moved forward in place, a whole iteration at a time. */
  state: TrainerState
  /** The processes that train together, each with models and a state of its own. @default this one alone */
  group?: ProcessGroup
  /** Ends the run before the next iteration is counted; what was begun is forgotten. */
  signal?: AbortSignal | undefined
  /** Of what does not stop the run: an image that cannot be decoded. @default a Node process warning */
  onWarning?: (message: string) => void
}

export interface EvolveSettings {
  /** Iterations of the whole run. @default 100 */
  totalSteps?: number
  /** Of every draw, together with its place. @default 42 */
  seed?: number
  /** Images of one iteration. @default 1 */
  batchSize?: number
  /** Answers to a question (N). @default 5 */
  samples?: number
  /** An update of the proposer every so many iterations; 0 leaves it as it is. @default 5 */
  proposerUpdateFreq?: number
  /** One optimizer step on the whole group, or one on each answer after the other, as released. @default 'group' */
  solverUpdate?: 'group' | 'sequential'
  /** How often the samples of an iteration are gone through, with an optimizer step each time. @default 1 */
  updateEpochs?: number
  sampling?: SamplingSettings
  prompts?: PromptSettings
  rewards?: RewardSettings
  /** What a reward is compared with, for each role. @default 'ema' */
  baseline?: Baseline
  proposerBaseline?: Baseline
  kl?: KlSettings
  optimizer?: OptimizerSettings
  /** @default 'token-mean' */
  normalization?: GradientOptions['normalization']
  /** Less memory, more time. @default false */
  gradientCheckpointing?: boolean
  guards?: GuardSettings
  /** Signs of collapse. */
  watch?: WatchOptions
  /** End the run in the iteration that raises an alarm. @default false */
  stopOnCollapse?: boolean
  /** Bytes of encoded images that are kept for when they come again. @default 256 MiB */
  imageCache?: number
}

export type Baseline = 'ema' | 'leave-one-out'

export interface SamplingSettings {
  /** @default 1 */
  temperature?: number
  /** @default 1 */
  topP?: number
  /** @default 0, which is all */
  topK?: number
  /** @default 128 */
  solverTokens?: number
  /** @default 128 */
  proposerTokens?: number
}

export interface PromptSettings {
  proposer?: string | ProposerPrompt
  /** `{question}` stands for the question. */
  solver?: string | SolverPrompt
  /** @default what the chat template says without one */
  system?: string
}

export interface RewardSettings extends Pick<
  ContinuousSolverRewardOptions,
  'gamma' | 'lengthPenalty' | 'targetWords'
> {
  /** The rule that both roles learn from; or the solver's own, and continuous for the proposer. @default 'continuous' */
  kind?: 'continuous' | 'discrete' | SolverReward
  /** What questions earn, where that is another rule. @default kind, and continuous where that is a function */
  proposer?: 'continuous' | 'discrete' | ProposerReward
  /** @default mu 0.9, sigma 0.35 nats */
  entropyBand?: EntropyBandOptions
  /** When two answers are the same. @default 'canonical' */
  normalize?: 'canonical' | 'released' | Normalizer
  /** Outputs without an answer tag: invalid, or answered by their last line, as released. @default 'invalid' */
  untagged?: 'invalid' | 'last-line'
}

export interface KlSettings {
  /** @default 'adaptive' */
  control?: 'adaptive' | 'fixed'
  /** Weight at the start. @default 1e-3 */
  coefficient?: number
  /** Nats per token. @default 0.02 */
  solverTarget?: number
  proposerTarget?: number
  /** @default 0.1 */
  rate?: number
}

export interface OptimizerSettings {
  /** @default 1e-6 */
  lr?: number
  /** @default lr */
  proposerLr?: number
  /** @default 0.01 */
  weightDecay?: number
  /** @default 1 */
  gradClip?: number
  /** @default 'constant' */
  scheduler?: 'constant' | 'linear' | 'cosine'
  /** Iterations in which the rate rises. @default 0 */
  warmupSteps?: number
}

export interface GuardSettings {
  /**
   * Faults for which a question is not asked; an empty one is replaced by a fixed question where this does not list
   * `empty`. @default all but a missing rationale and text outside the tags
   */
  skip?: readonly QuestionFault[]
  /** Least mean log-probability of a question under the start proposer, in nats per token. @default none */
  minQuestionLogProbability?: number | undefined
}

export const malformedFaults: readonly QuestionFault[] = [
  'empty',
  'missing-question-tag',
  'repeated-tag',
  'markup',
  'too-long',
]

/** Without a listener. */
export function emitWarning(message: string): void {
  process.emitWarning(message)
}
