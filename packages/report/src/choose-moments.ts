/**
 * The choice says which pictures of a run are shown: the same ones at several times, some from first to last, some that
 * are set apart.
 */
import type { PicturePlace, CollectedLog } from './collect-log'

export interface MomentPlan {
  /** Pictures that come again, each with the times that are shown, in order. */
  recurring: PicturePlace[][]
  /** Places from the first iteration to the last. */
  spread: PicturePlace[]
  apart: PicturePlace[]
}

/** `count` is the number of places in `spread`; of the others there are about half as many. */
export function chooseMoments({ steps, sightings, apart }: CollectedLog, count: number): MomentPlan {
  const few = Math.ceil(count / 2)
  const isApart = new Set(apart.map(({ step, index }) => `${step} ${index}`))
  const usual = new Map<number, number>()
  for (const { step, index } of [...sightings.values()].flat())
    if (!isApart.has(`${step} ${index}`)) usual.set(step, Math.min(usual.get(step) ?? Infinity, index))

  const span = (places: readonly PicturePlace[]) => places[places.length - 1].step - places[0].step
  const recurring = [...sightings.values()]
    .filter((places) => span(places) > 0)
    // Those that are longest apart; the earlier one of equals, since sorting is stable.
    .sort((a, b) => span(b) - span(a))
    .slice(0, Math.ceil(count / 4))
    .map((places) => evenly(places, 4))
  return {
    recurring,
    spread: evenly(steps, count).map((step) => ({ step, index: usual.get(step) ?? 0 })),
    apart: evenly(apart, few),
  }
}

/** The result has at most `count` of a list, the first and the last among them. */
export function evenly<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list]
  const at = (i: number) => (count === 1 ? 0 : Math.round((i * (list.length - 1)) / (count - 1)))
  return Array.from({ length: count }, (_, i) => list.slice(at(i), at(i) + 1)).flat()
}
