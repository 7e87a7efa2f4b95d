/** The tracker that is used where one is off. */
import type { Tracker } from './tracker'

export function noTracker(name: string): Tracker {
  const nothing = () => undefined
  return { name, start: nothing, log: nothing, flush: nothing, finish: nothing }
}
