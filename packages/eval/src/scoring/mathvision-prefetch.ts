/**
 * VLMEvalKit's verdict on a MathVision answer without a judge: the option that its rules name, or for free answers
 * equality of the whole response, as text or as a value to a millionth. Longer free answers are wrong.
 */
import { inferOption, latexValue, lettered } from '@evolmm/rewards'

/** The letter or the text; `undefined` where VLMEvalKit would ask a judge. */
export function mathVisionPrefetch(
  answer: string,
  row: { options: readonly string[]; answer: string },
): string | undefined {
  if (row.options.length > 0) return inferOption(answer, lettered(row.options))
  if (answer === row.answer) return answer
  const [a, b] = [latexValue(answer), latexValue(row.answer)]
  return a !== undefined && b !== undefined && Math.abs(a - b) < 1e-6 ? answer : undefined
}
