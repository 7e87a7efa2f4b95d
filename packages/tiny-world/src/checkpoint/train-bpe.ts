/**
 * Byte-level byte pair encoding, learned from a corpus: the 256 bytes, then a word for the most frequent pair of words
 * again and again, until each piece of the corpus is one word. Words never cross the pieces that Qwen2's pre-tokeniser cuts text into.
 */

/** Qwen2's, as its `tokenizer.json` has it. */
export const qwenPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/** The same for JavaScript, which has no flags inside of a pattern on Node 20. */
const pieces = new RegExp(
  qwenPattern.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'[sStTmMdD]|'[rR][eE]|'[vV][eE]|'[lL][lL]"),
  'gu',
)

export interface BytePairs {
  /** Every word once, in the order of their ids. */
  vocabulary: string[]
  /** The merges in the order in which they are applied. */
  merges: [string, string][]
}

/**
 * Each text counts once. Ties go to the pair that sorts first, so the result depends on the corpus alone. With `known`, its
 * words keep their ids, and those that the corpus needs besides come after them.
 */
export function trainBpe(corpus: readonly string[], known?: BytePairs): BytePairs {
  const alphabet = byteAlphabet()
  const vocabulary = known === undefined ? [...alphabet].sort() : [...known.vocabulary]
  const counts = new Map<string, number>()
  for (const text of corpus)
    for (const [piece] of text.normalize('NFC').matchAll(pieces))
      counts.set(piece, (counts.get(piece) ?? 0) + 1)
  const words = Array.from(counts, ([piece, count]) => ({
    count,
    parts: Array.from(Buffer.from(piece, 'utf8'), (byte) => alphabet[byte]),
  }))
  const merges: BytePairs['merges'] = known === undefined ? [] : [...known.merges]
  for (const pair of merges) for (const word of words) word.parts = merged(word.parts, pair)
  for (;;) {
    const best = mostFrequentPair(words)
    if (best === undefined) return { vocabulary, merges }
    merges.push(best)
    vocabulary.push(best.join(''))
    for (const word of words) word.parts = merged(word.parts, best)
  }
}

interface Word {
  count: number
  parts: string[]
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>()
  for (const { parts, count } of words)
    for (let i = 1; i < parts.length; i++) {
      const pair = `${parts[i - 1]} ${parts[i]}`
      counts.set(pair, (counts.get(pair) ?? 0) + count)
    }
  if (counts.size === 0) return undefined
  const [best] = [...counts].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a))
  return best.split(' ') as [string, string]
}

function merged(parts: readonly string[], [left, right]: readonly [string, string]): string[] {
  const result: string[] = []
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === left && parts[i + 1] === right) {
      result.push(left + right)
      i++
    } else result.push(parts[i])
  }
  return result
}

/** The printable character that stands for each byte, as in GPT-2: itself where it has a shape, else from U+0100 on. */
function byteAlphabet(): string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const shown = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    return String.fromCodePoint(shown ? byte : next++)
  })
}
