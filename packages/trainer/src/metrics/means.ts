/** What numbers of an iteration are taken over, and how. */
import { knownMean } from '@evolmm/internal'
import type { AnswerRecord, ImageRecord, IterationRecord } from '../record/record'

/** Images whose question was asked. */
export function askedImages({ images }: IterationRecord): ImageRecord[] {
  return images.filter(({ answers }) => answers.length > 0)
}

export function answersOf({ images }: IterationRecord): AnswerRecord[] {
  return images.flatMap(({ answers }) => answers)
}

/** Values that are there. */
export function known<T>(items: readonly T[], value: (item: T) => number | null): number[] {
  return items.map(value).filter((number) => number !== null)
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The deviation with N - 1, as TRL has it; one value has none. */
export function deviation(values: readonly number[]): number | null {
  const center = knownMean(values)
  if (center === null || values.length < 2) return null
  return Math.sqrt(sum(values.map((value) => (value - center) ** 2)) / (values.length - 1))
}

/** The share of items of which something holds. */
export function share<T>(items: readonly T[], holds: (item: T) => boolean): number | null {
  return knownMean(items.map((item) => Number(holds(item))))
}
