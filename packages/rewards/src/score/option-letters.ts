/** Options are lettered A, B, C … in their order. */

export function letterOf(index: number): string {
  return String.fromCharCode(65 + index)
}

/** The options by letter. */
export function lettered(options: readonly string[]): Map<string, string> {
  return new Map(options.map((text, index) => [letterOf(index), text]))
}
