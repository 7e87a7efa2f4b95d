/**
 * MMStar's matching: only the first character of an answer is looked at, or the one after "(", "option " or "the
 * answer is ". So "Because it is blue" is B and "Do not know" is D, while "**B**" and "So the answer is B" are wrong.
 */
import { strip } from '@evolmm/internal'

const openings = ['', '(', 'option ', 'the answer is ']

export function matchesMmstar(answer: string, gold: string): boolean {
  const [text, letter] = [answer, gold].map((side) => strip(side.toLowerCase().replaceAll('\n', ' ')))
  return (
    letter !== '' &&
    openings.some(
      (opening) => text.startsWith(opening) && text.slice(opening.length, opening.length + 1) === letter,
    )
  )
}
