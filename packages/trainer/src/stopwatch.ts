/** Wall time by phase. */
import { phaseNames, type Phase, type PhaseSeconds } from './record/phases'

export function stopwatch() {
  const start = performance.now()
  let last = start
  const seconds = Object.fromEntries(['total', ...phaseNames].map((name) => [name, 0])) as PhaseSeconds
  return {
    lap(phase: Phase) {
      const now = performance.now()
      seconds[phase] += (now - last) / 1000
      last = now
    },
    read: () => ({ ...seconds, total: (performance.now() - start) / 1000 }),
  }
}
