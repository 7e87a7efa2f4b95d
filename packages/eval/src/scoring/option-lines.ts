/** Options as most prompts write them: `A. text`, one per line. */
import { letterOf } from '@evolmm/rewards'

export function optionLines(options: readonly string[]): string {
  return options.map((text, index) => `${letterOf(index)}. ${text}`).join('\n')
}
