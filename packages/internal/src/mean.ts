/** The arithmetic mean; not a number without any values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** The mean of those that are finite numbers; null without any. */
export function finiteMean(values: Iterable<number | null>): number | null {
  return knownMean([...values].filter((value) => value !== null && Number.isFinite(value)))
}

/** The mean of those that are known; null without any. */
export function knownMean(values: Iterable<number | null>): number | null {
  const known = [...values].filter((value) => value !== null)
  return known.length === 0 ? null : mean(known)
}
