/** The length that the solver's length penalty looks at. */
import { checkText } from '@evolmm/internal'

/**
 * Number of words (runs of non-whitespace) before the first `<answer>`, searched without regard to case.
 * Without the tag the whole output counts.
 */
export function wordsBeforeAnswer(output: string): number {
  checkText('output', output)
  const tag = /<answer>/i.exec(output)
  return (tag === null ? output : output.slice(0, tag.index)).match(/\S+/g)?.length ?? 0
}
