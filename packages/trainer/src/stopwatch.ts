/** Wall time by phase. */
import type { PhaseSeconds } from './record'

export function stopwatch() {
  const start = performance.now()
  let last = start
  const seconds: PhaseSeconds = { total: 0, encode: 0, propose: 0, solve: 0, learn: 0, probe: 0 }
  return {
    lap(phase: keyof PhaseSeconds) {
      const now = performance.now()
      seconds[phase] += (now - last) / 1000
      last = now
    },
    read: () => ({ ...seconds, total: (performance.now() - start) / 1000 }),
  }
}
