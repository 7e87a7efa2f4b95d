/**
 * The normaliser of the released EvoLMM code, to the character, including what it merges by accident: "-5" with "5",
 * ".5" with "5", "1,2" with "12". Use it to reproduce published runs; `normalizeCanonical` is the better judge.
 */
import { stripCharacters, words } from '@evolmm/internal'
import { INVALID, type Answer, nonEmpty } from '../answer'

/** Python's `string.punctuation` and the space. */
const asciiPunctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ '

/** Lower case, no commas, single spaces, no ASCII punctuation at either end. Nothing left is `INVALID`. */
export function normalizeReleased(answer: Answer): Answer {
  nonEmpty(answer)
  if (answer === INVALID) return INVALID
  const plain = words(answer.toLowerCase().replaceAll(',', '')).join(' ')
  return stripCharacters(plain, asciiPunctuation) || INVALID
}
