/** The largest divisor of `size` from `low` to `high`; `undefined` when there is none. */
export function divisorBetween(size: number, low: number, high: number): number | undefined {
  for (let divisor = Math.min(high, size); divisor >= low; divisor--) if (size % divisor === 0) return divisor
  return undefined
}
