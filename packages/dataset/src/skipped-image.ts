import type { WarningListener } from '@evolmm/internal/node'

/** Tells that an image is not used, and why. */
export function warnSkipped(
  warn: WarningListener,
  relativePath: string,
  { reason, detail }: { reason: string; detail: string },
): void {
  warn(`${relativePath}: skipped as ${reason}; ${detail}`, 'SKIPPED_IMAGE')
}
