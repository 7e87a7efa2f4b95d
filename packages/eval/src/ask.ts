/** A policy is asked: images are encoded, each request becomes a prompt, and the completions come back as texts. */
import { createHash } from 'node:crypto'
import type {
  Adapter,
  Completion,
  EncodedImage,
  ImageSource,
  Prompt,
  SampleOptions,
  Sampler,
  SamplingOptions,
} from '@evolmm/vlm'
import { EvolmmError } from './errors'

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
  seed?: number | readonly number[] | undefined
}

export type AskSettings = Pick<SamplingOptions, 'temperature' | 'topP'> & {
  /** The longest answer in tokens. */
  maxNewTokens: number
  /** The number of answers that each request gets. @default 1 */
  samples?: number | undefined
}

/** The answers to each request, which are greedy unless the settings name a temperature. */
export type Ask = (requests: readonly SampleRequest[], settings: AskSettings) => Promise<string[][]>

/**
 * The images of the last call are remembered: neighbouring rows often ask about one image, and a diagnosis asks about
 * it several times.
 */
export function asker({ sampler, adapter }: Policy): Ask {
  let known = new Map<unknown, Promise<EncodedImage>>()
  return async (requests, { samples = 1, temperature = 0, topP, maxNewTokens }) => {
    const encoded: typeof known = new Map()
    const encode = (image: ImageSource) => {
      const key = keyOf(image)
      const found = encoded.get(key) ?? known.get(key) ?? sampler.encodeImage(image)
      encoded.set(key, found)
      return found
    }
    const prompts: Prompt[] = []
    for (const { prompt, system, images } of requests) {
      const shown: EncodedImage[] = []
      for (const image of images) shown.push(await encode(image))
      prompts.push(sampler.prompt({ prompt, system, images: shown }))
    }
    if (encoded.size > 0) known = encoded
    const seeds = requests.map(({ seed }) => seed ?? 0)
    const options = { prompts, seeds, adapter, samples, temperature, topP, maxNewTokens }
    const completions = await sampler.sample(options)
    const counts = completions.map((group) => group.length)
    if (counts.length !== requests.length || counts.some((count) => count !== samples))
      throw new EvolmmError(
        'ANSWER_COUNT',
        `sampler ${policyName({ sampler })}: must give ${samples} completions to each of ${requests.length} prompts, got ${JSON.stringify(counts)}; correct its sample()`,
        { details: { prompts: requests.length, samples, counts } },
      )
    return completions.map((group) => group.map(({ text }) => text))
  }
}

/** The name of the model as reports and folders have it. */
export function policyName({ sampler }: Policy): string {
  return sampler.name ?? 'model'
}

/** Bytes are read anew for each row, and equal bytes are one image. */
function keyOf(image: ImageSource): unknown {
  return image instanceof Uint8Array ? `sha256 ${createHash('sha256').update(image).digest('hex')}` : image
}
