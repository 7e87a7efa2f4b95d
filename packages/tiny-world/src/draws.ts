/**
 * Random draws of one thing, a chart or a question: each is a function of (seed, kind of thing, number of the draw), so
 * nothing depends on what else was drawn. Philox4x32-10; counter [draw, kind, 0, 0], key: the seed.
 */
import { philox4x32 } from '@evolmm/internal'

/** What is drawn has a stream of its own per seed. */
const kinds = {
  bars: 0,
  colors: 1,
  noise: 2,
  questions: 3,
  segments: 4,
  wrongLabels: 5,
  stepQuestions: 6,
  twoBars: 7,
  stepTurns: 8,
} as const

export interface Draws {
  /** A number in [0, 1), a multiple of 2^-32. */
  uniform: () => number
  /** An integer from `min` to `max`, both included. */
  integer: (min: number, max: number) => number
  /** A number of the standard normal distribution. */
  normal: () => number
  pick: <T>(values: readonly T[]) => T
  /** All values in random order. */
  shuffled: <T>(values: readonly T[]) => T[]
}

/** The four words of a place in a stream. */
export function wordsAt(seed: number, kind: keyof typeof kinds, place: number): readonly number[] {
  return philox4x32([place, kinds[kind], 0, 0], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])
}

export function draws(seed: number, kind: keyof typeof kinds): Draws {
  let place = 0
  const uniform = () => wordsAt(seed, kind, place++)[0] / 2 ** 32
  const integer = (min: number, max: number) => min + Math.floor(uniform() * (max - min + 1))
  const pick = <T>(values: readonly T[]): T => values[integer(0, values.length - 1)]
  return {
    uniform,
    integer,
    pick,
    normal: () => {
      const [a, b] = wordsAt(seed, kind, place++)
      return Math.sqrt(-2 * Math.log((a + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * b) / 2 ** 32)
    },
    shuffled: (values) => {
      const order = [...values]
      for (let last = order.length - 1; last > 0; last--) {
        const other = integer(0, last)
        ;[order[last], order[other]] = [order[other], order[last]]
      }
      return order
    },
  }
}
