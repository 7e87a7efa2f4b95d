/**
 * The option letter that M3CoT's official metric finds. Where several options are mentioned their order decides, not
 * the order of the text: in "Not magnetism but friction" the later option wins.
 *
 * Known to misread: option "2" is found inside "12", "No" inside "not"; `\boxed{B}`, "**B**" and "A;" name nothing;
 * "A body ..." names A.
 */
import { afterLast, beforeFirst } from '@evolmm/internal'
import { letterOf } from '@evolmm/rewards'

const letters = ['A', 'B', 'C', 'D', 'E', 'F']

export function matchM3cot(response: string, choices: readonly string[]): string | undefined {
  let text = response
  if (text.includes('[Answer]'))
    text = beforeFirst(beforeFirst(afterLast(text, '[Answer]'), '[Rationale]'), '[Context]')
  const bracketed = text.match(/\([a-zA-Z]\)/g)?.at(-1)
  if (bracketed !== undefined) return bracketed[1].toUpperCase()
  const lower = text.toLowerCase()
  const named = choices.findLastIndex((choice) => lower.includes(choice.toLowerCase()))
  if (named >= 0) return letterOf(named)
  const spaced = ` ${text.replace(/[\n.,!?]/g, ' ')} `
  return (
    letters.findLast((letter) => spaced.includes(` ${letter} `)) ??
    letters.findLast((letter) => spaced.includes(` ${letter.toLowerCase()} `))
  )
}
