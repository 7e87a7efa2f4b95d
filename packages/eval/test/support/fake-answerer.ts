/** An answerer that knows nothing: what it says is a function of the request alone. */
import type { AnswerRequest, Answerer, AnswerSettings } from '../../src/answerer'

export interface FakeOptions {
  name?: string
  /** @default the text after "say: " in the prompt */
  say?: (request: AnswerRequest, sample: number, settings: AnswerSettings) => string
  /** Told of each call. */
  onAnswer?: (requests: readonly AnswerRequest[], settings: AnswerSettings) => void | Promise<void>
}

export function fakeAnswerer({ name = 'org/fake', say = echo, onAnswer }: FakeOptions = {}): Answerer {
  return {
    name,
    answer: async (requests, settings) => {
      await onAnswer?.(requests, settings)
      return requests.map((request) =>
        Array.from({ length: settings.samples ?? 1 }, (_, n) => ({ text: say(request, n, settings) })),
      )
    },
  }
}

function echo({ prompt }: AnswerRequest): string {
  return /say: (.*)/.exec(prompt)?.[1] ?? ''
}
