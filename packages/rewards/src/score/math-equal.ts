/**
 * MathVision's equality of two short answers: the same text without regard to case, tuples or lists with the same
 * elements to two decimals, or expressions with the same value to two decimals. Anything unreadable is unequal.
 */
import { floatText, roundPlaces, strip } from '@evolmm/internal'
import { latexValue } from './latex-value'

export function mathEqual(first: string, second: string): boolean {
  const [a, b] = [strip(first.toLowerCase()), strip(second.toLowerCase())]
  if (a === '' || b === '') return false
  if (a === b) return true
  const list = evaluateList(a)
  if (list !== undefined && list === evaluateList(b)) return true
  const value = roundedValue(a)
  return value !== undefined && value === roundedValue(b)
}

/** The value is rounded to two decimals. */
function roundedValue(text: string): number | undefined {
  const value = latexValue(text)
  return value === undefined ? undefined : roundPlaces(value, 2)
}

/** "(1/2, 3)" as "(0.5,3.0)"; `undefined` when it is no list, or an element has no value. */
function evaluateList(text: string): string | undefined {
  const brackets = /^(?:\((.*)\)|\[(.*)\])$/s.exec(text)
  if (brackets === null || !text.includes(',')) return undefined
  const elements = text.slice(1, -1).split(',').map(strip)
  if (!text.includes('infty')) {
    for (const [index, element] of elements.entries()) {
      if (element === 'a' || element === '-a') continue
      const value = roundedValue(element)
      if (value === undefined) return undefined
      elements[index] = floatText(value)
    }
  }
  return `${text[0]}${elements.join(',')}${text.slice(-1)}`
}
