/** A policy is asked: images are encoded, each request becomes a prompt, and the completions come back as texts. */
import { asMemoryAllows } from '@evolmm/internal'
import type { Adapter, Completion, ImageSource, SampleOptions, Sampler, SamplingOptions } from '@evolmm/vlm'
import { imageMemory } from './image-memory'
import { EvolmmError } from './errors'
import { mostTokens, runsOf, tokensOf, type AskedPrompt, type Seed } from './question-runs'

/** What measuring needs of a `Sampler`: nothing is scored, and of a completion the text counts. */
export type AskedSampler = Omit<Sampler, 'sample' | 'score'> & {
  sample: (options: SampleOptions) => Promise<readonly (readonly Pick<Completion, 'text'>[])[]>
}

/** A policy that is measured: what samples, with which adapter and system message. */
export interface Policy {
  /** A model of `@evolmm/vlm`, or an object of the same form that asks another engine. */
  sampler: AskedSampler
  /** @default the base model */
  adapter?: Adapter | undefined
}

/** What a policy is asked: a user's message with all images, then the text. */
export interface SampleRequest {
  prompt: string
  /** They are shown in this order. */
  images: readonly ImageSource[]
  /** The message that comes before each question. @default that of the chat template */
  system?: string | undefined
  /** The seed determines every draw, together with the number of the sample and the place of the token. @default 0 */
  seed?: Seed | undefined
}

export type AskSettings = Pick<SamplingOptions, 'temperature' | 'topP'> & {
  /** The longest answer in tokens. */
  maxNewTokens: number
  /** The number of answers that each request gets. @default 1 */
  samples?: number | undefined
}

/** The answers to each request, which are greedy unless the settings name a temperature. */
export type Ask = (requests: readonly SampleRequest[], settings: AskSettings) => Promise<string[][]>

export interface AskerOptions {
  /**
   * True forms runs of its own for any number of requests, as many in each as pays; without it one run has all requests
   * of a call. Either has fewer where memory allows no more. @default false
   */
  automatic?: boolean | undefined
}

/**
 * The images of the last run are remembered: neighbouring rows often ask about one image, and a diagnosis asks about
 * it several times.
 */
export function asker({ sampler, adapter }: Policy, { automatic = false }: AskerOptions = {}): Ask {
  const memory = imageMemory(sampler)
  const promptOf = async ({ prompt, system, images, seed = 0 }: SampleRequest, place: number) => {
    const shown = []
    for (const image of images) shown.push(await memory.encoded(image))
    return { prompt: sampler.prompt({ prompt, system, images: shown }), seed, place }
  }
  return async (requests, { samples = 1, temperature = 0, topP, maxNewTokens }) => {
    const answers: string[][] = []
    const answer = async (prompts: readonly AskedPrompt[]) => {
      for (const run of automatic ? runsOf(prompts, samples) : [prompts]) {
        const texts = await asMemoryAllows(run, async (part) => {
          const [asked, seeds] = [part.map(({ prompt }) => prompt), part.map(({ seed }) => seed)]
          const options = { prompts: asked, seeds, adapter, samples, temperature, topP, maxNewTokens }
          return checkedTexts(sampler, options, await sampler.sample(options))
        })
        for (const [i, { place }] of run.entries()) answers[place] = texts[i]
      }
    }
    let waiting: AskedPrompt[] = []
    try {
      for (const [place, request] of requests.entries()) {
        waiting.push(await promptOf(request, place))
        if (!automatic || tokensOf(waiting) < mostTokens) continue
        await answer(waiting)
        waiting = []
        memory.turn()
      }
      if (waiting.length > 0) await answer(waiting)
    } finally {
      memory.turn()
    }
    return answers
  }
}

function checkedTexts(
  sampler: AskedSampler,
  { prompts, samples }: Pick<SampleOptions, 'prompts' | 'samples'>,
  completions: Awaited<ReturnType<AskedSampler['sample']>>,
): string[][] {
  const counts = completions.map((group) => group.length)
  if (counts.length !== prompts.length || counts.some((count) => count !== samples))
    throw new EvolmmError(
      'ANSWER_COUNT',
      `sampler ${policyName({ sampler })}: must give ${samples} completions to each of ${prompts.length} prompts, got ${JSON.stringify(counts)}; correct its sample()`,
      { details: { prompts: prompts.length, samples, counts } },
    )
  return completions.map((group) => group.map(({ text }) => text))
}

/** The name of the model as reports and folders have it. */
export function policyName({ sampler }: Policy): string {
  return sampler.name ?? 'model'
}
