/**
 * Shapes with dimensions that are numbers or names. Two equal names are the same length; different names may or may
 * not be. A shape of `undefined` has unknown rank.
 */

export type Dim = number | string
export type Shape = readonly Dim[]

/** "[2, seq, 64]", or "[?]" for an unknown rank. */
export function showShape(shape: Shape | undefined): string {
  return shape === undefined ? '[?]' : `[${shape.join(', ')}]`
}

/** Whether two shapes are known to be equal. */
export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a?.length === b?.length && a?.every((dim, i) => dim === b?.[i]) === true
}

/** Number of elements, or `undefined` when a dimension has only a name. */
export function sizeOf(shape: Shape | undefined): number | undefined {
  let size = 1
  for (const dim of shape ?? ['?']) {
    if (typeof dim === 'string') return undefined
    size *= dim
  }
  return size
}

/**
 * The shape that NumPy's broadcasting gives, or `undefined` when two dimensions contradict each other. A name beside a
 * number above 1 must be that number or 1, so the result is the number; beside 1 it stays the name.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const result: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const dim = broadcastDims(a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1)
    if (dim === undefined) return undefined
    result.push(dim)
  }
  return result
}

function broadcastDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a
  if (a === 1) return b
  if (typeof a === 'number' && typeof b === 'number') return undefined
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  // Two different names: either may be 1 at run time.
  return `broadcast(${[a, b].sort().join(',')})`
}

/** Sum of two lengths, as a name when one of them is a name. */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a === 0) return b
  return b === 0 ? a : `${a}+${b}`
}

/** Product of two lengths. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a === 1) return b
  return b === 1 ? a : `${a}*${b}`
}
