/** The places in a text at which its tokens end. */
import { checkObject } from '@evolmm/internal'
import { createStreamDecoder, type Decodes } from './stream-decoder'

/**
 * The function gives for each token the length of the text up to its end. Special tokens have no text, and a token that ends
 * within a character ends before it.
 */
export function tokenEnds(tokenizer: Decodes, ids: ArrayLike<number>): Int32Array {
  checkObject('tokenizer', tokenizer, 'decode')
  const decoder = createStreamDecoder(tokenizer, { skipSpecial: true })
  const ends = new Int32Array(ids.length)
  let length = 0
  for (let i = 0; i < ids.length; i++) {
    length += decoder.push(ids[i]).length
    ends[i] = length
  }
  return ends
}
