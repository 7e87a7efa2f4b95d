/** Problems that do not stop the work. Each is reported once, to `onWarning` or as a Node process warning. */

export interface DatasetWarning {
  /** What happened, for programs: MISSING_SUBFOLDER, NO_SUBFOLDER, UNUSED_IMAGES, UNREADABLE_FOLDER, UNUSABLE_NAME, SKIPPED_IMAGE or MANIFEST_DAMAGED. */
  code: string
  /** "Subject: what happened; what follows". */
  message: string
}

export type WarningListener = (warning: DatasetWarning) => void

export function emitProcessWarning({ code, message }: DatasetWarning): void {
  process.emitWarning(message, { type: 'EvolmmWarning', code })
}

export function skippedImage(relativePath: string, reason: string, detail: string): DatasetWarning {
  return { code: 'SKIPPED_IMAGE', message: `${relativePath}: skipped as ${reason}; ${detail}` }
}
