/** What goes into a loaded model, and what comes out. */
import type { normalizations } from '@evolmm/internal'
import type { FloatArray } from '@evolmm/safetensors'
import type { Span } from './backbones/prompt-rules'
import type { PreparedImage } from './backbones/vision'
import type { ChatMessage } from './prompt/chat-message'
import type { Adapter } from './adapter/adapter'
import type { Seed } from './runtime/uniforms'
import type { Pixels } from './image/rgb-image'
import type { Objective } from './programs/objective'

/** An image: its path, its `file:` address, the bytes of the file, or pixels [H, W, 3]. */
export type ImageSource = string | URL | Uint8Array | Pixels

/** An image that went through the vision tower once. What the tower is given is kept for training it. */
export interface EncodedImage extends PreparedImage {
  /** What was encoded, by reference, for whoever has to show the image to another engine. */
  source: ImageSource
  /**
   * Features of the base model, [tokens, featureSize]; `undefined` if they were not asked for, and in prompts of several
   * images that depend on each other.
   */
  features: FloatArray | undefined
}

export interface EncodeImageOptions {
  /**
   * True runs the vision tower of the base model. Without it, an image serves only adapters that train the vision
   * tower, where no divergence from the base is asked for. @default true
   */
  features?: boolean | undefined
}

/** A prompt in tokens, ready for any number of calls. */
export interface Prompt {
  /**
   * The conversation that was rendered, for whoever has to ask another engine. The prompt of a group has none: it is what
   * several conversations begin with.
   */
  messages: readonly ChatMessage[] | undefined
  /** The text as rendered by the chat template, one placeholder for each image. */
  text: string
  /** The ids of all tokens [T], image tokens included. */
  ids: Int32Array
  /** [axes, T]: as many rows as the model has position axes. */
  positions: Int32Array
  /** Token `i` after the prompt has position `i + delta` on every axis. */
  delta: number
  /** The places of image tokens, in the order of the images. */
  imageSpans: readonly Span[]
  images: readonly EncodedImage[]
}

/** One turn of a user (all images, then the text), or a whole conversation that says where its images go. */
export type PromptOptions = {
  /** The images in the order of their places. @default none */
  images?: readonly EncodedImage[]
  /** Variables for the template. @default none */
  variables?: Readonly<Record<string, unknown>>
} & (
  | { prompt: string; system?: string | undefined; messages?: undefined }
  | { messages: readonly ChatMessage[]; prompt?: undefined; system?: undefined }
)

/** Several questions about the same images, each with one completion. */
export interface GroupOptions {
  /** The images in the order of their places. @default none */
  images?: readonly EncodedImage[] | undefined
  turns: readonly Turn[]
  /** @default that of the chat template */
  system?: string | undefined
  /** Variables for the template. @default none */
  variables?: Readonly<Record<string, unknown>> | undefined
}

/** One turn of a user (all images, then the text), and what follows. */
export interface Turn {
  prompt: string
  /** A text, which the end of the turn is added to, or tokens as they were sampled. */
  completion: string | Pick<ScoredCompletion, 'ids' | 'logProbabilities'>
}

export interface SamplingOptions {
  /** @default the base model */
  adapter?: Adapter | undefined
  /** The temperature of sampling; 0 is greedy. @default that of {@link samplingDefaults} */
  temperature?: number | undefined
  /** The fewest words whose share reaches this; 1 is all. @default that of {@link samplingDefaults} */
  topP?: number | undefined
  /** The number of most probable words to draw from; 0 is all. @default that of {@link samplingDefaults} */
  topK?: number | undefined
  /** @default that of {@link samplingDefaults} */
  maxNewTokens?: number | undefined
  /** Tokens that end a sample. @default those of generation_config.json */
  stopTokens?: readonly number[] | undefined
}

export interface SampleOptions extends SamplingOptions {
  prompts: readonly Prompt[]
  /** Completions of each prompt. @default 1 */
  samples?: number | undefined
  /** Determines every draw together with the sample's number and the token's place. One for each prompt. @default 0 for all */
  seeds?: readonly Seed[] | undefined
}

export interface Completion {
  /** The stop token, if there was one, included. */
  ids: Int32Array
  /** The text without special tokens. */
  text: string
  /** The log-probability of each token under the distribution that it was drawn from. */
  sampledLogProbabilities: Float32Array
  /** The log-probability of each token under the model itself: temperature 1, nothing cut off. */
  logProbabilities: Float32Array
  finishReason: 'stop' | 'length'
}

/** The completions of one prompt, with their numbers as arrays too: views of what the run returned. */
export type Sampled = Completion[] & {
  /** [N, T]: a row for each completion; NaN after its end. */
  sampledLogProbabilities: FloatArray
  /** [N, T] */
  logProbabilities: FloatArray
}

export interface StreamOptions extends SamplingOptions {
  prompt: Prompt
  /** @default 0 */
  seed?: Seed | undefined
  /** Ends the stream with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface Group {
  prompt: Prompt
  completions: readonly ScoredCompletion[]
}

export interface ScoredCompletion {
  ids: Int32Array
  /**
   * The number of first tokens that are context, such as a question that only this completion answers: the rest sees
   * them, but they have no loss, no score, and no part in any mean. It is less than there are tokens. @default 0
   */
  given?: number | undefined
  /** The sampler's log-probabilities of the tokens after those that are given, for the gap that is reported. */
  logProbabilities?: Float32Array | undefined
}

export interface ScoreOptions {
  groups: readonly Group[]
  /** @default the base model */
  adapter?: Adapter | undefined
  /** True computes the divergence from the base model too. @default false */
  kl?: boolean | undefined
}

export interface GradientOptions {
  groups: readonly (Group & {
    /** What each completion counts. @default 1 each */
    advantages?: readonly number[] | undefined
    /** What the value head is to say after each token of each completion, those that are given left out. */
    targets?: readonly ArrayLike<number>[] | undefined
  })[]
  adapter: Adapter
  /** What the exact divergence from the base policy counts; at 0 it is not computed. @default 0 */
  beta?: number | undefined
  /**
   * The tokens of a completion are added up like this before the mean over completions: their mean, their sum, or
   * their sum over a fixed length. @default 'token-mean'
   */
  normalization?: (typeof normalizations)[number] | { fixedLength: number } | undefined
  /** An adapter with a value head learns by `squared-error` alone, and no other does. @default 'reinforce' */
  objective?: 'reinforce' | 'supervised' | 'squared-error' | CustomObjective | undefined
  /** Compute each block anew in the backward pass: less memory, more time. @default false */
  checkpointed?: boolean | undefined
  /** The seed of dropout masks, if the adapter has dropout. @default 0 */
  seed?: Seed | undefined
}

/** An objective of one's own; its name tells programs apart. */
export interface CustomObjective {
  name: string
  loss: Objective
}

/** What the learning pass says of a completion's tokens. */
export interface TokenScores {
  logProbabilities: Float32Array
  entropy: Float32Array
  /** Zeros where it was not computed. */
  kl: Float32Array
  /** What the value head says after each token; with one, the numbers above are not computed, and are empty. */
  values?: Float32Array | undefined
}

/** The scores of the completions of one group, with their numbers as arrays too, whose rows those of a completion are. */
export type Scored = TokenScores[] & {
  /** [N, T]: a row for each completion; NaN after its end. */
  logProbabilities: FloatArray
  /** [N, T] */
  entropy: FloatArray
  /** [N, T] */
  kl: FloatArray
  /** [N, T] */
  values?: FloatArray | undefined
}

export interface Scores {
  /** The scores of each completion, for each group. */
  completions: TokenScores[][]
  /** Means over all tokens; NaN if no group was run. */
  nll: number
  entropy: number
  kl: number
  /** Largest distance to the sampler's log-probabilities, where they were given. */
  samplerGap: number | undefined
}

export interface Gradient extends Omit<Scores, 'completions'> {
  /**
   * `undefined` for a group that was left out, since nothing about it could count; the arrays of a completion that was left
   * out of another are empty. Neither is part of any mean.
   */
  completions: (TokenScores[] | undefined)[]
  loss: number
  /** The gradient in the layout of the adapter's parameters. */
  gradient: Float32Array
}
