/** A sampler that knows nothing: what it says is a function of the request alone. */
import type { EncodedImage, Prompt, SampleOptions } from '@evolmm/vlm'
import type { AskedSampler, SampleRequest } from '../../src/ask'

export type Settings = Omit<SampleOptions, 'prompts' | 'seeds' | 'adapter'>

export interface FakeOptions {
  name?: string
  /** @default the text after "say: " in the prompt */
  say?: (request: SampleRequest, sample: number, settings: Settings) => string
  /** It is told of each call. */
  onSample?: (requests: readonly SampleRequest[], settings: Settings) => void | Promise<void>
}

export function fakeSampler({ name = 'org/fake', say = echo, onSample }: FakeOptions = {}): AskedSampler {
  return {
    name,
    encodeImage: (source) => Promise.resolve({ source } as EncodedImage),
    // The system message takes the place of the rendered text.
    prompt: ({ prompt: content = '', system: text = '', images }) => {
      const messages: Prompt['messages'] = [{ role: 'user', content }]
      return { text, images, messages } as Prompt
    },
    sample: async ({ prompts, seeds = [], samples = 1, temperature, maxNewTokens, topP }) => {
      const requests = prompts.map(({ messages = [], images, text }, i) => ({
        prompt: messages[0].content as string,
        images: images.map(({ source }) => source),
        seed: seeds[i] as number[],
        ...(text !== '' && { system: text }),
      }))
      const given = {
        ...{ temperature, maxNewTokens },
        ...(topP !== undefined && { topP }),
        ...(samples > 1 && { samples }),
      }
      await onSample?.(requests, given)
      return requests.map((request) =>
        Array.from({ length: samples }, (_, n) => ({ text: say(request, n, given) })),
      )
    },
  }
}

function echo({ prompt }: SampleRequest): string {
  return /say: (.*)/.exec(prompt)?.[1] ?? ''
}
