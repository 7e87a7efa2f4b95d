/** The limit of what one vector can hold of what is trained, asked before anything of that size is loaded. */
import { checkInteger, checkText } from '@evolmm/internal'
import { EvolmmError } from '../errors'

/** The most values that a `Float32Array` has in every version of Node that is supported. */
const maxParameters = 2 ** 32

/**
 * Throws `TOO_MANY_PARAMETERS` if `count` trained parameters are more than one vector holds; `subject` is what asks for them,
 * and `fix` what can be done.
 */
export function checkParameters(
  subject: string,
  count: number,
  fix = 'train LoRA adapters, fewer weights or a smaller model',
): void {
  checkText('subject', subject)
  checkText('fix', fix)
  checkInteger('count', count, { min: 0 })
  if (count <= maxParameters) return
  const shown = (value: number) => value.toLocaleString('en')
  throw new EvolmmError(
    'TOO_MANY_PARAMETERS',
    `${subject}: must train ${shown(maxParameters)} parameters at most, which is what one vector holds, ` +
      `got ${shown(count)}; ${fix}`,
    { details: { parameters: count, most: maxParameters } },
  )
}
