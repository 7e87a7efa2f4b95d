/** The tokens of an answer that its steps are. */
import { tokenEnds } from '@evolmm/vlm'
import { splitSteps, type StepRule } from './split-steps'

export type TokenReader = Parameters<typeof tokenEnds>[0]

export interface StepTokens {
  /** The places in the text at which steps end. */
  ends: readonly number[]
  /** The number of tokens up to the end of each step, that in which it ends included. */
  tokens: readonly number[]
}

export function stepTokens(
  tokenizer: TokenReader,
  { ids, text }: { ids: ArrayLike<number>; text: string },
  rule: StepRule,
): StepTokens {
  const ends = splitSteps(text, rule)
  const places = tokenEnds(tokenizer, ids)
  let token = 0
  const tokens = ends.map((end) => {
    while (token < places.length - 1 && places[token] < end) token++
    return token + 1
  })
  return { ends, tokens }
}
