/** Problems that do not stop a run. */

/** `message` reads "Subject: what happened; what follows", and `code` names it for programs. */
export type WarningListener = (message: string, code: string) => void

/** The listener of whoever gives none. */
export const emitWarning: WarningListener = (message, code) => {
  process.emitWarning(message, { type: 'EvolmmWarning', code })
}
