/** Options as most prompts write them: `A. text`, one per line. */
import { letterOf } from './infer-option'

export function optionLines(options: readonly string[]): string {
  return options.map((text, index) => `${letterOf(index)}. ${text}`).join('\n')
}
