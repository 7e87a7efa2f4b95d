/**
 * Shapes with dimensions that are numbers or names. Two equal names are the same length; different names may or may
 * not be. A shape of `undefined` has unknown rank.
 */
import { EvolmmError } from '../errors'

export type Dim = number | string
export type Shape = readonly Dim[]

/** Throw unless `shape` is a list of lengths and names, or left open; `what` says whose it is. */
export function checkShape(what: string, shape: Shape | undefined): void {
  const isDim = (dim: unknown) =>
    typeof dim === 'string' ? dim !== '' : Number.isSafeInteger(dim) && Number(dim) >= 0
  if (shape === undefined || (Array.isArray(shape) && shape.every(isDim))) return
  throw new EvolmmError(
    'INVALID_SHAPE',
    `${what}: the shape must be a list of lengths (0 or more) and names, got ${JSON.stringify(shape)}; ` +
      'leave it undefined if even the rank is unknown',
  )
}

/** "[2, seq, 64]", or "[?]" for an unknown rank. */
export function showShape(shape: Shape | undefined): string {
  return shape === undefined ? '[?]' : `[${shape.join(', ')}]`
}

/** Two shapes are the same if they are known and equal. */
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

/** Sum of two lengths. Names become sums of names: equal sums get equal names, whatever the order. */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  const [left, right] = [termsOf(a), termsOf(b)]
  return sum({ names: [...left.names, ...right.names], constant: left.constant + right.constant })
}

/** Difference of two lengths. */
export function subtractDims(a: Dim, b: Dim): Dim {
  if (typeof b === 'number') return addDims(a, -b)
  const [left, right] = [termsOf(a), termsOf(b)]
  const names = without(left.names, right.names)
  if (names === undefined) return `${a}-(${b})`
  return sum({ names, constant: left.constant - right.constant })
}

/** Product of two lengths. Equal products get equal names, whatever the order. */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a === 1) return b
  if (b === 1) return a
  const [left, right] = [factorsOf(a), factorsOf(b)]
  return product({ names: [...left.names, ...right.names], constant: left.constant * right.constant })
}

/** `a / b` where that is known to have no remainder; `undefined` where it is not. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (b === 1) return a
  if (a === b && a !== 0) return 1
  const [above, below] = [factorsOf(a), factorsOf(b)]
  const names = without(above.names, below.names)
  if (names === undefined || below.constant === 0 || above.constant % below.constant !== 0) return undefined
  return product({ names, constant: above.constant / below.constant })
}

/** `a / b` rounded towards 0; `undefined` for a division by 0. */
export function quotientDims(a: Dim, b: Dim): Dim | undefined {
  if (b === 0) return undefined
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b)
  const atom = (dim: Dim): Dim => (/^\w+$/.test(String(dim)) ? dim : `(${dim})`)
  return divideDims(a, b) ?? `floor(${atom(a)}/${atom(b)})`
}

/** Names of a sum or a product, and the number in it. */
interface Parts {
  names: readonly string[]
  constant: number
}

/** "n+m-1" is the sum of n, m and -1. */
function termsOf(dim: Dim): Parts {
  if (typeof dim === 'number') return { names: [], constant: dim }
  const names: string[] = []
  let constant = 0
  for (const term of split(dim, '+')) {
    const number = /^\d+$|-\d+$/.exec(term)?.[0] ?? ''
    if (number !== term) names.push(term.slice(0, term.length - number.length))
    constant += Number(number)
  }
  return { names, constant }
}

function sum({ names, constant }: Parts): Dim {
  if (names.length === 0) return constant
  const text = [...names].sort().join('+')
  if (constant === 0) return text
  return constant > 0 ? `${text}+${constant}` : `${text}${constant}`
}

/** "2*n*(m+1)" is the product of 2, n and (m+1). */
function factorsOf(dim: Dim): Parts {
  if (typeof dim === 'number') return { names: [], constant: dim }
  const { names: terms, constant: rest } = termsOf(dim)
  if (terms.length !== 1 || rest !== 0) return { names: [`(${dim})`], constant: 1 }
  const factors = split(dim, '*')
  const isNumber = (factor: string) => /^\d+$/.test(factor)
  return {
    names: factors.filter((factor) => !isNumber(factor)),
    constant: factors.filter(isNumber).reduce((total, factor) => total * Number(factor), 1),
  }
}

function product({ names, constant }: Parts): Dim {
  if (names.length === 0 || constant === 0) return constant
  const [first] = names
  if (names.length === 1 && constant === 1) return /^\([^()]*\)$/.test(first) ? first.slice(1, -1) : first
  return [...(constant === 1 ? [] : [constant]), ...[...names].sort()].join('*')
}

/** `names` less `taken`, or `undefined` when one of those is not there. */
function without(names: readonly string[], taken: readonly string[]): string[] | undefined {
  const rest = [...names]
  for (const name of taken) {
    const at = rest.indexOf(name)
    if (at < 0) return undefined
    rest.splice(at, 1)
  }
  return rest
}

/** The larger of two lengths. */
export function maxDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (isAtMost(a, b)) return b
  return isAtMost(b, a) ? a : `max(${[a, b].map(String).sort().join(',')})`
}

/** True if `a` is at most `b` whatever the names in them stand for, which is never below 0. */
export function isAtMost(a: Dim, b: Dim): boolean {
  const rest = subtractDims(b, a)
  return typeof rest === 'number' ? rest >= 0 : !rest.includes('-')
}

/** The names in a length that inference made up, because it knew nothing of it. */
export function generatedIn(dim: Dim): readonly string[] {
  return typeof dim === 'string' ? (dim.match(/unknown_\d+/g) ?? []) : []
}

/** True if a length is not known from those of the inputs. */
export function isGenerated(dim: Dim): boolean {
  return generatedIn(dim).length > 0
}

/** Parts of a name between separators that are not inside parentheses. */
function split(name: string, separator: string): string[] {
  const parts = ['']
  let depth = 0
  for (const character of name) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (character === separator && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts.map((part) => part.trim())
}
