/**
 * The normaliser of the released EvoLMM code, to the character, including what it merges by accident: "-5" with "5",
 * ".5" with "5", "1,2" with "12". Use it to reproduce published runs; `normalizeCanonical` is the better judge.
 */
import { INVALID, type Answer } from '../answer'
import { trimEnds } from './trim-ends'

/** What Python's `str.split()` splits at: unlike `\s`, the ASCII separators and NEL too, and no byte-order mark. */
const separators = String.fromCharCode(0x1c, 0x1d, 0x1e, 0x1f, 0x85)
const pythonSpace = new RegExp(`(?:(?!\ufeff)[\\s${separators}])+`)

/** Python's `string.punctuation` and the space. */
const asciiPunctuation = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ ')

/** Lower case, no commas, single spaces, no ASCII punctuation at either end. Nothing left is `INVALID`. */
export function normalizeReleased(answer: Answer): Answer {
  if (answer === INVALID) return INVALID
  const words = answer.toLowerCase().replaceAll(',', '').split(pythonSpace)
  return trimEnds(words.filter(Boolean).join(' '), asciiPunctuation) || INVALID
}
