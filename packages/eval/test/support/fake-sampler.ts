/** A sampler that knows nothing: what it says is a function of the turn alone. */
import type { EncodedImage, Prompt, SampleOptions } from '@evolmm/vlm'
import type { AskedSampler, UserTurn } from '../../src/ask'

export type Settings = Omit<SampleOptions, 'prompts' | 'seeds' | 'adapter'>

export interface FakeOptions {
  name?: string
  /** @default the text after "say: " in the prompt */
  say?: (turn: UserTurn, sample: number, settings: Settings) => string
  /** It is told of each call. */
  onSample?: (turns: readonly UserTurn[], settings: Settings) => void | Promise<void>
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
    sample: async ({ prompts, seeds = [], adapter, samples = 1, ...settings }) => {
      const turns = prompts.map(({ messages = [], images, text }, i) => ({
        prompt: String(messages[0].content),
        images: images.map(({ source }) => source),
        seed: seeds[i] as number[],
        ...(text !== '' && { system: text }),
      }))
      const given = { ...settings, ...(samples > 1 && { samples }) }
      if (given.topP === undefined) delete given.topP
      await onSample?.(turns, given)
      return turns.map((turn) => Array.from({ length: samples }, (_, n) => ({ text: say(turn, n, given) })))
    },
  }
}

function echo({ prompt }: UserTurn): string {
  return /say: (.*)/.exec(prompt)?.[1] ?? ''
}
