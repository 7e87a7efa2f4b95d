/** Texts with images in tokens: an image's token is written once and stands for a run of them. */
import { EvolmmError } from '../../errors'
import type { Tokenizer } from '../../prompt/load-tokenizer'
import type { TokenizedText } from '../prompt-rules'

export interface ImageRunsOptions {
  tokenizer: Tokenizer
  /** Each `imageToken` in it is repeated as often as `lengths` says. */
  text: string
  imageToken: number
  /** The lengths in the order of the text. */
  lengths: readonly number[]
}

/** Special tokens are cut out before the rest is tokenized, so that repeating ids is the same as repeating text. */
export function tokenizeRuns({ tokenizer, text, imageToken, lengths }: ImageRunsOptions): TokenizedText {
  const unexpanded = tokenizer.encode(text)
  const ids = new Int32Array(unexpanded.length + lengths.reduce((sum, length) => sum + length - 1, 0))
  const imageSpans: TokenizedText['imageSpans'] = []
  let place = 0
  for (const id of unexpanded) {
    const length = id === imageToken ? (lengths[imageSpans.length] ?? 0) : 1
    if (id === imageToken) imageSpans.push({ start: place, length })
    ids.fill(id, place, place + length)
    place += length
  }
  return { ids, imageSpans }
}

/** Throws `VIDEO_UNSUPPORTED`: video is refused wherever its token is met. */
export function refuseVideo(ids: ArrayLike<number>, videoToken: number): void {
  for (let i = 0; i < ids.length; i++)
    if (ids[i] === videoToken)
      throw new EvolmmError(
        'VIDEO_UNSUPPORTED',
        'prompt: must hold text and images only, got a video token; take the video out',
      )
}
