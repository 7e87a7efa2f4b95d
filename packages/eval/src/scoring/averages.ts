/**
 * Averages turn scores into the numbers that are reported. A metric over rows of which one is unscored is null, not a
 * guess.
 */
import { mean, roundPlaces } from '@evolmm/internal'
import type { RowGroup, Score } from '../task'

/** The mean of the rows that have this metric; null without rows, or when one is unscored. */
export function meanOf(scores: readonly Score[], metric: string): number | null {
  return wholeMean(
    scores.flatMap((score) => (Object.hasOwn(score.values, metric) ? [score.values[metric]] : [])),
  )
}

/** The mean of all values; null without any, or when one is unknown. */
export function wholeMean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 || known.length < values.length ? null : mean(known)
}

/** The share in percent with two decimals. */
export function percent(share: number | null): number | null {
  return share === null ? null : roundPlaces(share * 100, 2)
}

/** The rows of each group, by the value or values that a row has in `details`. Groups are sorted by name. */
export function groupsBy(
  scores: readonly Score[],
  detail: string,
  { metric, scale = (share) => share }: { metric: string; scale?: (share: number | null) => number | null },
): Record<string, RowGroup> {
  const rows = new Map<string, (number | null)[]>()
  for (const score of scores) {
    const value = score.details?.[detail] ?? null
    for (const name of Array.isArray(value) ? value : [value]) {
      if (typeof name !== 'string' && typeof name !== 'number') continue
      const group = rows.get(String(name)) ?? []
      group.push(score.values[metric] ?? null)
      rows.set(String(name), group)
    }
  }
  const names = [...rows.keys()].sort()
  return Object.fromEntries(names.map((name) => [name, groupOf(rows.get(name) ?? [], scale)]))
}

export function groupOf(
  values: readonly (number | null)[],
  scale: (share: number | null) => number | null = (share) => share,
): RowGroup {
  return {
    correct: values.filter((value) => value === 1).length,
    total: values.length,
    accuracy: scale(wholeMean(values)),
  }
}
