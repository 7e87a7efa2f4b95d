/**
 * The choice says which pictures of a run are shown: the latest, the same ones at several times, some from first to last,
 * some that are set apart.
 */
import type { Gallery } from '@evolmm/runs'
import type { PicturePlace, CollectedLog } from './collect-log'

export interface MomentPlan {
  latest: PicturePlace[]
  /** Pictures that come again, each with the times that are shown, in order. */
  recurring: PicturePlace[][]
  /** Places from the first iteration to the last. */
  spread: PicturePlace[]
  apart: PicturePlace[]
}

/** `count` is the number of places in `spread`; of the others there are about half as many. Parts without a heading are empty. */
export function chooseMoments(
  { sightings, apart }: Pick<CollectedLog, 'sightings' | 'apart'>,
  count: number,
  headings: Pick<Gallery<never>, 'latest' | 'again' | 'spread' | 'apart'>,
): MomentPlan {
  const few = Math.ceil(count / 2)
  const all = [...sightings.values()].flat().sort((a, b) => a.step - b.step || a.index - b.index)
  const latest = headings.latest === undefined || few === 0 ? [] : all.slice(-few)
  const setApart = headings.apart === undefined ? [] : apart
  const elsewhere = new Set([...latest, ...setApart].map(keyOf))
  // One of each iteration, of those that are in no other part if there is one.
  const usual = new Map<number, PicturePlace>()
  for (const place of all) {
    const known = usual.get(place.step)
    if (known === undefined || (elsewhere.has(keyOf(known)) && !elsewhere.has(keyOf(place))))
      usual.set(place.step, place)
  }
  return {
    latest,
    recurring: headings.again === undefined ? [] : recurring(sightings, Math.ceil(count / 4)),
    spread: headings.spread === undefined ? [] : evenly(between(usual, latest), count),
    apart: evenly(setApart, few),
  }
}

function recurring(sightings: CollectedLog['sightings'], count: number): PicturePlace[][] {
  const span = (places: readonly PicturePlace[]) => places[places.length - 1].step - places[0].step
  return (
    [...sightings.values()]
      .filter((places) => span(places) > 0)
      // Those that are longest apart; the earlier one of equals, since sorting is stable.
      .sort((a, b) => span(b) - span(a))
      .slice(0, count)
      .map((places) => evenly(places, 4))
  )
}

/** One place of each iteration, those left out that are among the latest. */
function between(usual: ReadonlyMap<number, PicturePlace>, latest: readonly PicturePlace[]): PicturePlace[] {
  const shown = new Set(latest.map(keyOf))
  return [...usual.values()].filter((place) => !shown.has(keyOf(place)))
}

function keyOf({ step, index }: PicturePlace): string {
  return `${step} ${index}`
}

/** The result has at most `count` of a list, the first and the last among them. */
export function evenly<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list]
  const at = (i: number) => (count === 1 ? 0 : Math.round((i * (list.length - 1)) / (count - 1)))
  return Array.from({ length: count }, (_, i) => list.slice(at(i), at(i) + 1)).flat()
}
