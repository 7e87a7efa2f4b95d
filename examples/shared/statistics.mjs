/** What the tables need of statistics. */

/** 97.5 % quantiles for 1, 2, ... degrees of freedom. */
const quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/** Mean of one value per seed, with half of its 95 % interval by Student's t. `margin` is `undefined` for a single value. At most ten values. */
export function interval(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return { mean, margin: undefined }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  return { mean, margin: quantiles[values.length - 2] * Math.sqrt(variance / values.length) }
}

/** Spearman's: the correlation of ranks, equal values sharing theirs. */
export function rankCorrelation(one, other) {
  const [a, b] = [ranks(one), ranks(other)]
  const center = (a.length - 1) / 2
  const product = (x, y) => x.reduce((sum, value, i) => sum + (value - center) * (y[i] - center), 0)
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b))
}

function ranks(values) {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length
    const equal = values.filter((other) => other === value).length
    return below + (equal - 1) / 2
  })
}
