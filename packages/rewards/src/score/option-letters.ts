/** Options are lettered A, B, C … in their order. */
import { checkInteger, checkList } from '@evolmm/internal'

export function letterOf(index: number): string {
  checkInteger('index', index, { min: 0 })
  return String.fromCharCode(65 + index)
}

/** The options by letter. */
export function lettered(options: readonly string[]): Map<string, string> {
  checkList('options', options)
  return new Map(options.map((text, index) => [letterOf(index), text]))
}
