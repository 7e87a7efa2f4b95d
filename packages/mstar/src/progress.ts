/** Whoever follows a run is told how far each phase of a cycle is; nothing of it is part of the run. */

export interface MstarProgress {
  /** Answers to learn, answers at each temperature that may be chosen, answers to validation questions, or steps. */
  phase: 'generate' | 'sweep' | 'monitor' | 'learn'
  cycle: number
  /** The number of answers, or of steps of the cycle; `done` counts those that are there. */
  total: number
  done: number
  /** Seconds, by the pace of what was done since the phase began or went on; undefined before anything was. */
  secondsLeft: number | undefined
}

export type ProgressListener = (progress: MstarProgress) => void

/** Counts what is done of a phase. */
export interface PhaseProgress {
  /** Tells of so many more. */
  add: (count: number) => void
  /** Tells of so many more that were done before, and say nothing about the pace. */
  skip: (count: number) => void
}

export function phaseProgress(
  { phase, cycle, total }: Pick<MstarProgress, 'phase' | 'cycle' | 'total'>,
  listener: ProgressListener = () => undefined,
): PhaseProgress {
  return countProgress(total, (counts) => {
    listener({ phase, cycle, ...counts })
  })
}

export type Counts = Pick<MstarProgress, 'total' | 'done' | 'secondsLeft'>

export function countProgress(total: number, tell: (counts: Counts) => void): PhaseProgress {
  const start = performance.now()
  let [done, skipped] = [0, 0]
  const count = () => {
    const pace = (performance.now() - start) / 1000 / (done - skipped)
    const secondsLeft = done > skipped ? pace * (total - done) : undefined
    tell({ total, done, secondsLeft })
  }
  return {
    add: (more) => {
      done += more
      count()
    },
    skip: (more) => {
      if (more === 0) return
      done += more
      skipped += more
      count()
    },
  }
}
