/** Levenshtein distance over code points: a pair of surrogates is one character. Time is the product of the lengths. */
import { checkText } from '@evolmm/internal'

export function editDistance(a: string, b: string): number {
  checkText('a', a)
  checkText('b', b)
  const [short, long] = [Array.from(a), Array.from(b)].sort((x, y) => x.length - y.length)
  const row = Uint32Array.from({ length: short.length + 1 }, (_, index) => index)
  for (let i = 0; i < long.length; i++) {
    let diagonal = row[0]
    row[0] = i + 1
    for (let j = 0; j < short.length; j++) {
      const substituted = diagonal + (long[i] === short[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = Math.min(substituted, diagonal + 1, row[j] + 1)
    }
  }
  return row[short.length]
}
