/** The distance of numbers from others. */

/** Largest absolute difference; the lengths must agree. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  return differences(got, want).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
}

/** Norm of the difference in units of the norm of `want`; as it is where `want` is zero. */
export function relativeDistance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  return norm(differences(got, want)) / (norm(want) || 1)
}

export function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0))
}

export function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
}

function differences(got: ArrayLike<number>, want: ArrayLike<number>): number[] {
  if (got.length !== want.length) throw new Error(`${got.length} numbers beside ${want.length}`)
  return Array.from(want, (value, i) => got[i] - value)
}
