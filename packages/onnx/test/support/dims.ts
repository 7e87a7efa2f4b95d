/** What names of dimensions say: sums, products, quotients, maxima and broadcasts of other names. */

/** The length that a name stands for, or `undefined` when it has an unknown part. */
export function lengthOf(dim: number | string, lengths: ReadonlyMap<string, number>): number | undefined {
  if (typeof dim === 'number') return dim
  const tokens = dim.match(/\w+|[-+*/(),]/g) ?? []
  let at = 0
  const list = (): number[] => {
    const values = [sum()]
    while (tokens[at] === ',') {
      at++
      values.push(sum())
    }
    at++
    return values
  }
  const sum = (): number => {
    let total = product()
    while (tokens[at] === '+' || tokens[at] === '-') total += tokens[at++] === '+' ? product() : -product()
    return total
  }
  const product = (): number => {
    let total = atom()
    while (tokens[at] === '*' || tokens[at] === '/') {
      if (tokens[at++] === '*') total *= atom()
      else total = Math.trunc(total / atom())
    }
    return total
  }
  const atom = (): number => {
    const token = tokens[at++]
    if (token === '(') return list()[0]
    if (tokens[at] !== '(') return /^\d+$/.test(token) ? Number(token) : (lengths.get(token) ?? NaN)
    at++
    const values = list()
    if (token === 'max') return Math.max(...values)
    return token === 'broadcast' ? (values.find((value) => value !== 1) ?? 1) : values[0]
  }
  const length = sum()
  return Number.isNaN(length) ? undefined : length
}
