/** The Proposer's half of an iteration: one question for each image. */
import type { Sample } from '@evolmm/dataset'
import { parseQuestion, type ParsedQuestion } from '@evolmm/rewards'
import type { Completion, EncodedImage, Prompt } from '@evolmm/vlm'
import type { EvolveOptions } from './options'
import { malformedFaults } from './options'
import { defaultProposerPrompt, fallbackQuestion } from './prompts'
import { roleSeed } from './role-seed'

/** An image that could be decoded, for each of the two models. */
export interface SeenImage {
  sample: Sample
  solver: EncodedImage
  proposer: EncodedImage
}

export interface Proposal extends SeenImage {
  prompt: Prompt
  completion: Completion
  parsed: ParsedQuestion
  /** What is asked, whether or not it is rejected; `null` when there is nothing to ask. */
  question: string | null
  rejected: 'malformed' | 'unlikely' | null
  /** Mean over the completion's tokens under the start proposer, in nats. */
  logProbability: number
}

export async function propose(
  { proposer, state, sampling = {}, prompts = {}, guards = {}, seed = 42 }: EvolveOptions,
  step: number,
  images: readonly SeenImage[],
): Promise<Proposal[]> {
  if (images.length === 0) return []
  const { adapter, updates } = state.proposer
  const { proposer: prompt = defaultProposerPrompt, system } = prompts
  const asked = images.map((image) =>
    proposer.prompt({ images: [image.proposer], prompt, ...(system !== undefined && { system }) }),
  )
  const completions = await proposer.sample({
    prompts: asked,
    adapter,
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK,
    maxNewTokens: sampling.proposerTokens,
    seeds: images.map((_, i) => roleSeed(seed, step, 'proposer', i)),
  })
  const groups = asked.map((each, i) => ({ prompt: each, completions: completions[i] }))
  // Before the first update the start proposer is the one that was sampled.
  const atStart =
    updates === 0
      ? groups.map((group) => group.completions[0].logProbabilities)
      : (await proposer.score({ groups })).completions.map(([{ logProbabilities }]) => logProbabilities)

  const { skip = malformedFaults, minQuestionLogProbability = -Infinity } = guards
  return images.map((image, i) => {
    const [completion] = completions[i]
    const parsed = parseQuestion(completion.text)
    const logProbability = mean(atStart[i])
    const rejected =
      parsed.faults.some((fault) => skip.includes(fault)) || marker.test(parsed.question ?? '')
        ? 'malformed'
        : logProbability < minQuestionLogProbability
          ? 'unlikely'
          : null
    const question = parsed.question ?? (rejected === null ? fallbackQuestion : null)
    return { ...image, prompt: asked[i], completion, parsed, question, rejected, logProbability }
  })
}

/** Of a chat template: a question with one would be another prompt, with a second image for instance. */
const marker = /<\|[^<>|\s]*\|>/

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
