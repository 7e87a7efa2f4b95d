/** Problems that do not stop the work. */

/** `message` reads "Subject: what happened; what follows", and `code` names it for programs. */
export type WarningListener = (message: string, code: string) => void

/** The listener of whoever gives none: a warning of the Node process. */
export const emitWarning: WarningListener = (message, code) => {
  process.emitWarning(message, { type: 'EvolmmWarning', code })
}
