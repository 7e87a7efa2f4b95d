/** What `JSON.parse` does not tell: whether an object names a key twice. */
import { parseJson } from '@evolmm/internal'

/** A key that some object of `json` has twice. `json` must be valid. */
export function repeatedKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  const signs = /["{}[\]]/g
  const colon = /\s*:/y
  for (let found = signs.exec(json); found !== null; found = signs.exec(json)) {
    const [sign] = found
    if (sign === '{') open.push(new Set())
    else if (sign === '[') open.push(undefined)
    else if (sign !== '"') open.pop()
    else {
      const end = endOfText(json, found.index)
      signs.lastIndex = colon.lastIndex = end
      if (!colon.test(json)) continue
      const key = parseJson(json.slice(found.index, end)) as string
      const keys = open.at(-1)
      if (keys?.has(key) === true) return key
      keys?.add(key)
    }
  }
  return undefined
}

/** The place behind the text that begins at `start`. A pattern would call itself at each of its letters. */
function endOfText(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); ; quote = json.indexOf('"', quote + 1)) {
    let slash = quote
    while (json[slash - 1] === '\\') slash--
    if ((quote - slash) % 2 === 0) return quote + 1
  }
}
