/**
 * A scale turns values into places on the page, linear or logarithmic, and has the round numbers to mark on an axis.
 */

export interface Scale {
  place: (value: number) => number
  /** The values that get a line, ascending. */
  ticks: number[]
}

export interface ScaleOptions {
  /** Values at the two ends; a range without width is widened. */
  domain: readonly [number, number]
  /** Places of the two ends. */
  range: readonly [number, number]
  /** The number of ticks, about. @default 4 */
  ticks?: number
}

export function linearScale({ domain: [first, last], range, ticks = 4 }: ScaleOptions): Scale {
  const [low, high] = first < last ? [first, last] : [first - 0.5, first + 0.5]
  return { place: between(low, high, range), ticks: roundNumbers(low, high, ticks) }
}

/** Both ends above 0; ticks are powers of ten, or every second, third... of them. */
export function logScale({ domain: [first, last], range, ticks = 4 }: ScaleOptions): Scale {
  const low = Math.floor(Math.log10(first) + 1e-9)
  const high = Math.max(Math.ceil(Math.log10(last) - 1e-9), low + 1)
  const every = Math.ceil((high - low) / ticks)
  const powers = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => low + i * every)
  const place = between(low, high, range)
  return { place: (value) => place(Math.log10(value)), ticks: powers.map((power) => 10 ** power) }
}

/** Multiples of 1, 2 or 5 times a power of ten within the two numbers, at most `count + 1` of them. */
export function roundNumbers(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  // Rounded, since 3 * 0.1 is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

function between(low: number, high: number, [from, to]: readonly [number, number]) {
  return (value: number) => from + ((value - low) / (high - low)) * (to - from)
}
