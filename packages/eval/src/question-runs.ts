/**
 * A run is the questions that go through the sampler at once. When nobody says how many they are as many as pay, of about
 * equal length, since all prompts of a run are filled up to its longest.
 */
import type { Prompt } from '@evolmm/vlm'

/** Questions that are collected at a time; they are on the disk together. */
export const questionsAtOnce = 8

/** The answers of a run: with more of them a decoding step takes nearly as much longer. */
const mostAnswers = 32

/** Tokens of prompts whose images, pixels and features, are held at a time. */
export const mostTokens = 8192

/** The share of a run's places that may be filled up with nothing. */
const mostFilling = 0.1

export type Seed = number | readonly number[]

export interface AskedPrompt {
  prompt: Prompt
  seed: Seed
  /** The number of its request. */
  place: number
}

export function tokensOf(prompts: readonly AskedPrompt[]): number {
  return prompts.reduce((sum, asked) => sum + lengthOf(asked), 0)
}

/** All of the prompts, the shortest first. */
export function runsOf(prompts: readonly AskedPrompt[], samples: number): AskedPrompt[][] {
  const most = Math.max(1, Math.floor(mostAnswers / samples))
  const runs: AskedPrompt[][] = []
  let tokens = 0
  for (const asked of prompts.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const length = lengthOf(asked)
    const run = runs.at(-1)
    const places = ((run?.length ?? 0) + 1) * length
    tokens += length
    if (run !== undefined && run.length < most && places - tokens <= mostFilling * places) run.push(asked)
    else {
      runs.push([asked])
      tokens = length
    }
  }
  return runs
}

/** The prompts of another engine may have no tokens. */
function lengthOf({ prompt }: AskedPrompt): number {
  return (prompt as Partial<Prompt>).ids?.length ?? 0
}
