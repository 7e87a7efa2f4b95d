/** What `JSON.parse` does not tell: whether an object names a key twice. */

/** A key that some object of `json` has twice. `json` must be valid. */
export function repeatedKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  const tokens = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]/g
  for (const token of json.matchAll(tokens)) {
    const [text] = token
    if (text === '{') open.push(new Set())
    else if (text === '[') open.push(undefined)
    else if (text === '}' || text === ']') open.pop()
    else if (token.groups?.colon !== undefined) {
      const key = JSON.parse(text.slice(0, text.lastIndexOf('"') + 1)) as string
      const keys = open.at(-1)
      if (keys?.has(key) === true) return key
      keys?.add(key)
    }
  }
  return undefined
}
