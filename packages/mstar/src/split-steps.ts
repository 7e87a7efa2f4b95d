/** The steps of a rationale, by the places at which they end. */
import { checkOneOf, checkText } from '@evolmm/internal'

/** What ends a step, the default first: the end of a line, or of a sentence. */
export const stepRules = ['lines', 'sentences'] as const
export type StepRule = (typeof stepRules)[number]

const endings: Readonly<Record<StepRule, RegExp>> = {
  lines: /\n/g,
  // A stop within a number, or before a small letter, ends nothing.
  sentences: /\n|[.!?](?=\s+[^\s\p{Ll}])/gu,
}

/**
 * The places at which steps end, in ascending order; the last is the end of the text. Space after a step belongs to the next
 * one, and what is nothing but space to its neighbours. A text without anything has no steps.
 */
export function splitSteps(text: string, rule: StepRule = stepRules[0]): number[] {
  checkText('text', text)
  checkOneOf('rule', rule, stepRules)
  const ends: number[] = []
  let from = 0
  for (const { index, 0: mark } of text.matchAll(endings[rule])) {
    const end = index + mark.length
    if (text.slice(from, end).trim() !== '') ends.push(end)
    from = end
  }
  if (text.slice(from).trim() !== '') return [...ends, text.length]
  if (ends.length > 0) ends[ends.length - 1] = text.length
  return ends
}
