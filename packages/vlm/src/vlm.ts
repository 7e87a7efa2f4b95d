/** The public face: a loaded model, and what one can ask of it. */
import type { Grid } from './prompt/image-token-count'
import type { ChatMessage } from './prompt/chat-message'
import type { RgbImage } from './image/rgb-image'
import type { Trainable } from './programs/trainable'
import type { Objective } from './programs/objective'

/** An image that went through the vision tower once. */
export interface EncodedImage {
  /** Patches in time, height and width. */
  grid: Grid
  /** What the vision tower is given, kept for training it. */
  pixels: Float32Array
  /** Image tokens [tokens, D]. */
  features: Float32Array
}

/** A prompt in tokens, ready for any number of calls. */
export interface Prompt {
  /** As rendered by the chat template, one placeholder for each image. */
  text: string
  /** [T], image tokens included. */
  ids: Int32Array
  /** [3, T] */
  positions: Int32Array
  /** Token `i` after the prompt has position `i + delta`. */
  delta: number
  imageSpans: readonly { start: number; length: number }[]
  images: readonly EncodedImage[]
}

/** Trained tensors as one vector, with what they belong to. */
export interface Adapter {
  trainable: Trainable
  /** [trainable.layout.size]; update it in place. */
  parameters: Float32Array
  /** Share of the inputs of LoRA modules that the learning pass drops. */
  dropout: number
  /** What was asked for and found. */
  matched: readonly string[]
  /** Targets that matched no module. */
  unmatched: readonly string[]
}

export interface PromptOptions {
  images?: readonly EncodedImage[]
  prompt?: string
  system?: string
  messages?: readonly ChatMessage[]
}

export interface SampleOptions {
  prompts: readonly Prompt[]
  adapter?: Adapter
  /** Answers for each prompt. @default 1 */
  samples?: number
  /** 0 is greedy. @default 1 */
  temperature?: number
  /** @default 1 */
  topP?: number
  /** 0 is off. @default 0 */
  topK?: number
  /** @default 128 */
  maxNewTokens?: number
  /** With the sample and the position it determines each draw. One for all prompts, or one list for each. @default 0 */
  seed?: number | readonly number[] | readonly (readonly number[])[]
  /** @default those of generation_config.json */
  stopTokens?: readonly number[]
}

export interface Completion {
  /** The stop token, if there was one, included. */
  ids: Int32Array
  /** Without special tokens. */
  text: string
  /** Of each token under the distribution it was drawn from. */
  sampledLogProbabilities: Float32Array
  /** Of each token under the model itself: temperature 1, nothing cut off. */
  logProbabilities: Float32Array
  finishReason: 'stop' | 'length'
}

export interface Group {
  prompt: Prompt
  completions: readonly { ids: Int32Array; logProbabilities?: Float32Array }[]
}

export interface LearnOptions {
  groups: readonly (Group & { advantages: readonly number[] })[]
  adapter: Adapter
  /** What the divergence from the base policy counts. @default 0 */
  beta?: number
  /** How token losses are summed up. @default 'token-mean' */
  normalization?: 'token-mean' | 'sum' | { fixedLength: number }
  /** @default 'reinforce' */
  objective?: 'reinforce' | 'supervised' | Objective
  /** Compute each block anew in the backward pass: less memory, more time. @default false */
  checkpointed?: boolean
  /** Of this step, for dropout masks. @default 0 */
  step?: number
}
