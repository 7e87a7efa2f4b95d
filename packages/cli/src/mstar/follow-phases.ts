/** What is shown of a run of `@evolmm/mstar`: each phase of a cycle, and with the steps that it learns how far the run is. */
import type { MstarProgress, MstarRecord } from '@evolmm/mstar'
import type { ProgressListeners } from '../progress'
import { formatSeconds } from '../texts'

const names: Record<MstarProgress['phase'], string> = {
  generate: 'generating',
  sweep: 'choosing a temperature',
  monitor: 'watching',
  learn: 'learning',
}

export function followPhases(
  { onPhase }: Pick<ProgressListeners, 'onPhase'>,
  total: number,
): { onProgress: (progress: MstarProgress) => void; onRecord: (record: MstarRecord) => void } {
  let [steps, seconds] = [0, 0]
  let learned: MstarProgress | undefined
  const show = ({ phase, cycle, ...counts }: MstarProgress, more?: string) => {
    const unit = phase === 'learn' ? 'steps' : 'answers'
    onPhase({ name: `cycle ${cycle}, ${names[phase]}`, unit, ...counts, more })
  }
  return {
    onProgress: (progress) => {
      // A step is shown with its loss, which its record has.
      if (progress.phase === 'learn') learned = progress
      else show(progress)
    },
    onRecord: ({ step, loss, seconds: own, phases }) => {
      steps++
      seconds += own + phases.generate + phases.monitor + phases.sweep
      const left = formatSeconds((seconds / steps) * (total - step))
      const all = `${Math.floor((100 * step) / total)} % of all, ${left} left`
      if (learned !== undefined) show(learned, `; ${all}; loss ${loss.toFixed(4)}`)
    },
  }
}
