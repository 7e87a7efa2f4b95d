/** One value per seed, as tables show them: the mean, and half of its 95 % interval where that says anything. */
import { interval } from './statistics.mjs'

/** Values that are null or undefined are left out. */
export function plain(values, digits) {
  const known = values.filter((value) => value !== null && value !== undefined)
  if (known.length === 0) return ''
  const { mean, margin } = interval(known)
  const text = mean.toFixed(digits).replace(/^-(0(\.0+)?)$/, '$1')
  return margin === undefined || margin < 1e-4 * 10 ** -digits ? text : `${text} ± ${margin.toFixed(digits)}`
}

/** Shares as percentages. */
export function percent(values) {
  return plain(
    values.map((value) => 100 * value),
    1,
  )
}
