/**
 * The option that a final answer names, of what holds first:
 * 1. it is a letter alone, "B", "(b)" or "option B";
 * 2. it is the text of one option, or has its value: "7.0" names "7";
 * 3. it begins with a letter that is set apart, "B) blue";
 * 4. the words of one option alone are among its words, so that "12" does not name "2".
 */
import { checkText } from '@evolmm/internal'
import { INVALID, type Answer } from '../answer'
import { normalizeCanonical } from '../normalize/normalize-canonical'
import { mathEqual } from './math-equal'
import { lettered } from './option-letters'

const letterAlone = /^(?:(?:option|choice)\s{1,3})?[([]?([A-Z])[)\].:]?$/i
const letterApart = /^(?:(?:option|choice)\s{1,3})?[([]?([A-Z])[)\].:]\s/i

/** The letter of the option; `INVALID` where none is named, or several. */
export function readOption(answer: string, options: readonly string[]): Answer {
  checkText('answer', answer)
  const byLetter = lettered(options)
  const letterIn = (pattern: RegExp) => {
    const letter = pattern.exec(answer.trim())?.[1].toUpperCase()
    return letter !== undefined && byLetter.has(letter) ? letter : undefined
  }
  const onlyOne = (holds: (text: string) => boolean) => {
    const named = [...byLetter].filter(([, text]) => holds(text))
    return named.length === 1 ? named[0][0] : undefined
  }
  const said = normalizeCanonical(answer)
  const isEqual = (text: string) =>
    (said !== INVALID && normalizeCanonical(text) === said) || mathEqual(answer, text)
  const isAmong = (text: string) =>
    ` ${wordsOf(answer)} `.includes(` ${wordsOf(text)} `) && wordsOf(text) !== ''
  return letterIn(letterAlone) ?? onlyOne(isEqual) ?? letterIn(letterApart) ?? onlyOne(isAmong) ?? INVALID
}

/** The words and numbers of a text in small letters, with one space between them. */
function wordsOf(text: string): string {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+(?:[.,][\p{N}]+)*/gu) ?? []).join(' ')
}
