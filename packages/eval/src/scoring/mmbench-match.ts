/**
 * The option letter that MMBench's own matching finds in an answer: a letter as a word, a decorated letter, or the one
 * option whose text is in the answer.
 *
 * Known to misread: options stored as "nan" are found inside "banana", "not" holds "No", "E" may be named although no
 * option has it; "**B**", "b" and "Option:B" are not read.
 */
import { words } from '@evolmm/internal'

const letters = ['A', 'B', 'C', 'D', 'E']
const decorations = ['X.', 'X,', 'X:', 'X)', 'X).', '(X)', '(X).', ':X', ':X,', ':X.', ':X)', ':X).']

/** `undefined` where lmms-eval asks a judge. */
export function matchMmbench(answer: string, options: ReadonlyMap<string, string>): string | undefined {
  const found = new Set(words(answer))
  const plain = letters.filter((letter) => found.has(letter))
  // "A" in a sentence may be the article.
  const article = found.has('A') && words(answer).length > 3
  if (plain.length === 1 && !article) return plain[0]
  for (const decoration of decorations) {
    const decorated = letters.filter((letter) => found.has(decoration.replace('X', letter)))
    if (decorated.length === 1) return decorated[0]
  }
  const lower = answer.toLowerCase()
  const named = [...options].filter(([, text]) => lower.includes(text.toLowerCase()))
  return named.length === 1 ? named[0][0] : undefined
}
