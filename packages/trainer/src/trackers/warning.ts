/** Problems of trackers. They do not stop a run; each is reported once. */

export interface TrackerWarning {
  /** For programs: TRACKER_FAILED, TRACKER_SLOW, TRACKER_LOST, WANDB_UNREACHABLE, WANDB_REFUSED, WANDB_FAILED or WANDB_UNSENT. */
  code: string
  /** "Subject: what happened; what follows". */
  message: string
}

export type TrackerWarningListener = (warning: TrackerWarning) => void

/** What is used without a listener. */
export function emitProcessWarning({ code, message }: TrackerWarning): void {
  process.emitWarning(message, { type: 'EvolmmWarning', code })
}
