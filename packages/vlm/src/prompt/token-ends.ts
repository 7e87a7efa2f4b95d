/** Where tokens end in the text that they are. */
import { checkObject } from '@evolmm/internal'
import { createStreamDecoder, type Decodes } from './stream-decoder'

/**
 * For each token the length of the text up to its end, special tokens left out, which have no text. A token that ends within
 * a character ends before it.
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
