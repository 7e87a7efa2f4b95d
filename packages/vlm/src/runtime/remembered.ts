/** Results of pure functions by a text that tells their arguments apart, as long as there are not too many of them. */
export function remembered(limit: number): <T>(key: string, compute: () => T) => T {
  const known = new Map<string, unknown>()
  return <T>(key: string, compute: () => T): T => {
    if (known.has(key)) return known.get(key) as T
    const value = compute()
    if (known.size >= limit) known.clear()
    known.set(key, value)
    return value
  }
}
