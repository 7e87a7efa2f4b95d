/**
 * InfographicVQA's score of one answer (average normalised Levenshtein similarity): 1 minus the smallest distance to an
 * accepted answer, relative to the longer of the two; below one half it is 0.
 *
 * As lmms-eval has it, runs of white space count in the length and not in the distance, and lengths are those of the
 * upper-case texts (in which "ß" has two letters).
 */
import { checkList, checkText, strip, words } from '@evolmm/internal'
import { editDistance } from './edit-distance'

/** The prediction has been stripped; the answers are as the data set has them. */
export function anls(prediction: string, answers: readonly string[]): number {
  checkText('prediction', prediction)
  checkList('answers', answers)
  let smallest = 1
  const ownLength = upperLength(prediction)
  const b = collapse(prediction)
  const size = countCharacters(b)
  for (const answer of answers) {
    const length = Math.max(upperLength(answer), ownLength)
    const a = collapse(answer)
    // The distance is at least the difference of the lengths: answers that cannot reach one half are not compared.
    if (Math.abs(countCharacters(a) - size) > length / 2) continue
    smallest = Math.min(smallest, length === 0 ? 0 : editDistance(a, b) / length)
  }
  const similarity = 1 - smallest
  return similarity < 0.5 ? 0 : similarity
}

function collapse(text: string): string {
  return words(strip(text).toLowerCase()).join(' ')
}

function upperLength(text: string): number {
  return countCharacters(text.toUpperCase())
}

/** The number of code points. */
function countCharacters(text: string): number {
  let count = text.length
  for (let index = 0; index < text.length; index++) if ((text.codePointAt(index) ?? 0) > 0xffff) count--
  return count
}
