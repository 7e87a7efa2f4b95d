/** Anything that answers questions about images: what is measured by this package. */
import type { Json, TaskImage } from './task'

export interface AnswerRequest {
  /** Text of the user's turn, behind the images. */
  prompt: string
  /** In the order in which they are shown. */
  images: readonly TaskImage[]
  /** System message. @default the model's own */
  system?: string | undefined
  /** Determines what is drawn for this request, together with the sample's number. @default 0 */
  seed?: number | readonly number[] | undefined
}

export interface AnswerSettings {
  /** Tokens. */
  maxNewTokens: number
  /** 0 is greedy. @default 0 */
  temperature?: number | undefined
  /** The fewest words whose share reaches this. @default 1, which is all */
  topP?: number | undefined
  /** Answers to each request. @default 1 */
  samples?: number | undefined
}

export interface Answer {
  text: string
  /** Length of the text. */
  tokens?: number | undefined
  /** `length`: the answer was cut at `maxNewTokens`. */
  finishReason?: 'stop' | 'length' | undefined
}

export interface Answerer {
  /** As in reports and folders: `owner/name` of the model. */
  name: string
  /** What else decides the answers, an adapter for instance. A run is resumed only by an answerer that says the same. */
  identity?: (() => Readonly<Record<string, Json>>) | undefined
  /** For each request its answers, `settings.samples` of them. An answer may not depend on the other requests. */
  answer: (
    requests: readonly AnswerRequest[],
    settings: AnswerSettings,
  ) => Promise<readonly (readonly Answer[])[]>
}
