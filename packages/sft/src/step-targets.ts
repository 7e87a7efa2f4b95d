/** What a value head is to say after each token: the value of the step in which the token ends. */
import { checkInteger, checkNumber } from '@evolmm/internal'
import { tokenEnds } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { StepValue } from './example'

export type TokenReader = Parameters<typeof tokenEnds>[0]

/** Tokens after the last step, such as the end of the turn, have its value. Throws `INVALID_OPTION`. */
export function stepTargets(
  tokenizer: TokenReader,
  ids: ArrayLike<number>,
  steps: readonly StepValue[],
): Float32Array {
  if (steps.length === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      'steps: must be at least one, got none; pass the values of steps',
      {
        details: { option: 'steps' },
      },
    )
  let before = 0
  for (const [s, { end, value }] of steps.entries()) {
    checkInteger(`steps[${s}].end`, end, { min: before + 1 })
    checkNumber(`steps[${s}].value`, value)
    before = end
  }
  const targets = new Float32Array(ids.length)
  let step = 0
  for (const [i, end] of tokenEnds(tokenizer, ids).entries()) {
    while (step < steps.length - 1 && steps[step].end < end) step++
    targets[i] = steps[step].value
  }
  return targets
}
