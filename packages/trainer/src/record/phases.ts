/**
 * The phases of an iteration whose wall time is taken: one row each, from which the record, the log, the metrics and the
 * report have it. A phase ends where the loop says `clock.lap(phase)`.
 */
export const phases = {
  encode: { meaning: 'time of encoding images', part: 'seeing the pictures' },
  propose: { meaning: 'time of asking', part: 'asking' },
  solve: { meaning: 'time of answering', part: 'answering' },
  learn: { meaning: 'time of updates', part: 'learning' },
  probe: { meaning: 'time of the evaluation probe', part: 'evaluating' },
} as const satisfies Record<string, { meaning: string; part: string }>

export type Phase = keyof typeof phases

export const phaseNames = Object.keys(phases) as readonly Phase[]

/** Wall time, in all and by phase. A phase that an older log does not know is missing there. */
export type PhaseSeconds = Record<'total' | Phase, number>
