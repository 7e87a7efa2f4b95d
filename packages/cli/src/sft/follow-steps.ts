/** What is shown of steps of supervised learning: how many are done, and the time that is left by their pace. */
import type { ProgressListeners } from '../progress'

export function followSteps(progress: ProgressListeners, total: number) {
  let [done, seconds] = [0, 0]
  return (record: { step: number; loss: number; seconds: number }) => {
    done++
    seconds += record.seconds
    progress.onSteps({ ...record, total, secondsLeft: (seconds / done) * (total - record.step) })
  }
}
