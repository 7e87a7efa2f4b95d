/** A run goes on with the settings that it began with, as far as what is learned depends on them. */
import { EvolmmError } from '@evolmm/internal'

type Settings = Readonly<Record<string, unknown>>

/** Throws `OTHER_CONFIGURATION` naming what has changed. `subject` is the file or folder with the old settings. */
export function compareIdentity(subject: string, before: Settings, now: Settings): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
  if (changed.length === 0) return
  const shown = changed
    .slice(0, 5)
    .map((name) => `${name} ${JSON.stringify(now[name])} instead of ${JSON.stringify(before[name])}`)
  const more = changed.length > 5 ? ` and ${changed.length - 5} more` : ''
  throw new EvolmmError(
    'OTHER_CONFIGURATION',
    `${subject}: must have been made with the settings of this run, got ${shown.join(', ')}${more}; ` +
      'go on with the old settings, or give the new run another name',
    { details: { subject, changed } },
  )
}
