/**
 * The option that an answer names, by VLMEvalKit's rules ("prefetch"): no judge, no guess.
 *
 * 1. After punctuation is replaced by spaces, exactly one option letter is a word, among the last four.
 * 2. "answer is X" names an option. Where no letter does, the word "Z" says that none of them is right.
 * 3. Exactly one option's text is in the answer, ignoring case, and the answer is not longer than twice all options.
 *
 * Known to misread: option "2" is found inside "12", a lone article "A" near the end is option A.
 */
import { checkObject, checkText, words } from '@evolmm/internal'

/** The letter of the option, or "Z"; `undefined` when the rules name none, or several. `options` are by letter. */
export function inferOption(answer: string, options: ReadonlyMap<string, string>): string | undefined {
  checkText('answer', answer)
  checkObject('options', options, 'keys')
  return inferLetter(answer, [...options.keys()]) ?? inferText(answer, options)
}

function inferLetter(answer: string, letters: readonly string[]): string | undefined {
  const found = words(answer.replace(/[.()[\],:;!*#{}]/g, ' '))
  const named = letters.filter((letter) => found.includes(letter))
  if (named.length === 1 && found.indexOf(named[0]) >= found.length - 4) return named[0]
  const stated = /answer is[\s:*({[]*([A-Z])(?![A-Za-z])/.exec(answer)?.[1]
  if (stated !== undefined && named.length <= 1 && letters.includes(stated)) return stated
  return named.length === 0 && found.includes('Z') ? 'Z' : undefined
}

function inferText(answer: string, options: ReadonlyMap<string, string>): string | undefined {
  const total = [...options.values()].reduce((sum, text) => sum + text.length, 0)
  if (answer.length > 2 * total) return undefined
  const lower = answer.toLowerCase()
  const named = [...options].filter(([, text]) => lower.includes(text.toLowerCase()))
  return named.length === 1 ? named[0][0] : undefined
}
