/**
 * The order of paths everywhere in this package: by Unicode code point, which is also the byte order of their UTF-8
 * and the order in which Python sorts strings. JavaScript's own order differs once surrogate pairs occur.
 */

/** Negative, zero or positive, as `Array.prototype.sort` wants it. */
export function comparePaths(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rankOf(left) - rankOf(right)
  }
  return a.length - b.length
}

/** Sorts in place. Without surrogates the built-in order is the same one, and several times faster. */
export function sortPaths(paths: string[]): string[] {
  return paths.some((path) => /[\ud800-\udfff]/.test(path)) ? paths.sort(comparePaths) : paths.sort()
}

/** Moves surrogates (code points from U+10000) above the rest of the basic plane. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
