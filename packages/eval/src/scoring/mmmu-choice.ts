/**
 * MMMU's reading of a multiple-choice answer. Letters are looked for in three spellings, then option texts in longer
 * answers; of several candidates the last mentioned wins.
 *
 * Known to misread: "B) $8", "b", "**B**", "B: text" and short answers that are the option's text name nothing;
 * "A Baroque church" names A; option "15" is found inside "150".
 */
import { stripCharacters, words } from '@evolmm/internal'

/** The letter; `undefined` where MMMU would draw one. */
export function parseMmmuChoice(answer: string, options: ReadonlyMap<string, string>): string | undefined {
  const bare = Array.from(",.!?;:'").reduce(stripCharacters, answer)
  const text = ` ${bare} `
  const letters = [...options.keys()]

  const bracketed = letters.filter((letter) => text.includes(`(${letter})`))
  if (bracketed.length > 0) return lastMentioned(bracketed, (letter) => text.lastIndexOf(`(${letter})`))
  for (const follower of [' ', '.']) {
    const plain = letters.filter((letter) => text.includes(letter + follower))
    if (plain.length > 0) return lastMentioned(plain, (letter) => text.lastIndexOf(` ${letter} `))
  }
  if (words(text).length <= 5) return undefined
  const lower = text.toLowerCase()
  const place = (letter: string) => lower.lastIndexOf((options.get(letter) ?? '').toLowerCase())
  return lastMentioned(
    letters.filter((letter) => place(letter) >= 0),
    place,
  )
}

/** The first candidate with the rightmost place. */
function lastMentioned(candidates: readonly string[], place: (letter: string) => number): string | undefined {
  let best: string | undefined
  let rightmost = -2
  for (const letter of candidates) {
    const at = place(letter)
    if (at > rightmost) [best, rightmost] = [letter, at]
  }
  return best
}
