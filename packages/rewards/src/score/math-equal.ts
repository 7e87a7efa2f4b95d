/**
 * MathVision's equality of two short answers, as lmms-eval has it: the same text without regard to case, tuples or lists
 * with the same elements to two decimals, or expressions with the same value to two decimals. Anything unreadable is
 * unequal. Elements are compared as Python prints them, so that `(2,3)` is not `(\frac{4}{2},3)`: "2" is not "2.0".
 */
import { checkText, floatText, roundPlaces, strip } from '@evolmm/internal'
import { pythonValue, type PythonNumber } from './latex-value'

export function mathEqual(first: string, second: string): boolean {
  checkText('first', first)
  checkText('second', second)
  const texts = [first.toLowerCase(), second.toLowerCase()]
  if (texts.some((text) => /^ *$/.test(text))) return false
  if (strip(texts[0]) === strip(texts[1])) return true
  const [a, b] = texts.map(evaluateList)
  if (a === b) return true
  const value = roundedValue(a)?.value
  return value !== undefined && value === roundedValue(b)?.value
}

/** The value is rounded to two decimals. */
function roundedValue(text: string): PythonNumber | undefined {
  const number = pythonValue(text)
  return number && { ...number, value: roundPlaces(number.value, 2) }
}

/** "(1/2, 3)" as "(0.5,3)"; as it was where it is no list, or an element has no value. */
function evaluateList(text: string): string {
  const brackets = /^(?:\((.*)\)|\[(.*)\])$/s.exec(text)
  if (brackets === null || !text.includes(',')) return text
  const elements: string[] = []
  for (const element of text.slice(1, -1).split(',')) {
    const kept = element.includes('infty') || element === 'a' || element === '-a'
    const number = kept ? undefined : roundedValue(element)
    if (!kept && number === undefined) return text
    elements.push(number === undefined ? element : numberText(number))
  }
  return `${text[0]}${elements.join(',')}${text.slice(-1)}`
}

function numberText({ value, whole }: PythonNumber): string {
  return whole ? BigInt(value).toString() : floatText(value)
}
