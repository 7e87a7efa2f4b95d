/**
 * Decodes token by token, for showing text while it is generated. A character may be spread over several tokens: what
 * could still become part of one is held back. All pieces together are `tokenizer.decode` of all ids.
 */
import type { DecodeOptions, Tokenizer } from './load-tokenizer'

export interface StreamDecoder {
  /** The text that is certain now and was not before; often empty within a character. */
  push(id: number): string
  /** What was held back. The decoder can then be used for another text. */
  end(): string
}

/** What an unfinished character decodes to, and a broken one. */
const replacement = '\ufffd'

/**
 * Tokens that are decoded again for each new one. An unfinished character has at most three bytes, hence lies within
 * the last three tokens; and UTF-8 finds its feet at the next character wherever decoding starts.
 */
const context = 4

/** What decoding asks of a tokenizer. */
export type Decodes = Pick<Tokenizer, 'decode' | 'token' | 'isSpecial'>

export function createStreamDecoder(tokenizer: Decodes, options: DecodeOptions = {}): StreamDecoder {
  const { skipSpecial = false } = options
  let window: number[] = []
  let text = ''
  /** Characters of `text` that have been given out. */
  let given = 0

  return {
    push(id) {
      const silent = tokenizer.token(id) === undefined || (skipSpecial && tokenizer.isSpecial(id))
      if (silent) return tokenizer.decode([id], { skipSpecial })
      if (window.length >= 2 * context) {
        window = window.slice(-context)
        given = certainLength(tokenizer.decode(window))
      }
      window.push(id)
      text = tokenizer.decode(window)
      const piece = text.slice(given, certainLength(text))
      given += piece.length
      return piece
    },
    end() {
      const piece = text.slice(given)
      window = []
      text = ''
      given = 0
      return piece
    },
  }
}

/** The last character alone can change: U+FFFD stands for one unfinished character, or for one broken byte. */
function certainLength(text: string): number {
  return text.endsWith(replacement) ? text.length - 1 : text.length
}
