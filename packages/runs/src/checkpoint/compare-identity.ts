/** A run goes on with the settings that it began with, as far as what is learned depends on them. */
import { isObject, parseJson } from '@evolmm/internal'
import { EvolmmError } from '../errors'

/** Values that a run which goes on must have again, by name. */
export type Identity = Readonly<Record<string, unknown>>

/** Throws `OTHER_CONFIGURATION` naming what has changed. `subject` is the file or folder with the old settings. */
export function compareIdentity(subject: string, before: Identity, now: Identity): void {
  const read = (settings: Identity) => new Map(leaves(parseJson(JSON.stringify(settings)) as Identity))
  const [old, recent] = [read(before), read(now)]
  const names = [...new Set([...old.keys(), ...recent.keys()])].sort()
  const changed = names.filter((name) => old.get(name) !== recent.get(name))
  if (changed.length === 0) return
  const shown = changed
    .slice(0, 5)
    .map((name) => `${name} ${recent.get(name) ?? 'none'} instead of ${old.get(name) ?? 'none'}`)
  const more = changed.length > 5 ? ` and ${changed.length - 5} more` : ''
  throw new EvolmmError(
    'OTHER_CONFIGURATION',
    `${subject}: must have been made with the settings of this run, got ${shown.join(', ')}${more}; ` +
      'go on with the old settings, or give the new run another name or folder',
    { details: { subject, changed } },
  )
}

/** Settings as JSON, those in a group by its name and theirs. */
function leaves(settings: Identity, group = ''): [name: string, json: string][] {
  return Object.entries(settings).flatMap(([name, value]) =>
    isObject(value) ? leaves(value, `${group}${name}.`) : [[`${group}${name}`, JSON.stringify(value)]],
  )
}
