/** What somebody may mean by a name that no setting has. */
import { closest } from '@evolmm/internal'
import { EvolmmError } from './errors'
import type { Rows } from './row'
import type { Naming, Schema } from './schema'

export function unknownName<R extends Rows>(schema: Schema<R>, key: string): EvolmmError {
  const near = closest(key.replaceAll('-', '_'), [...schema.names.keys()])
  const hint = nameElsewhere(schema, key) ?? (near === undefined ? 'leave it out' : `did you mean ${near}?`)
  return new EvolmmError(
    'INVALID_OPTION',
    `${key}: must be a setting of ${schema.name}, got an unknown name; ${hint}`,
    { details: { option: key } },
  )
}

/** The setting that other libraries call so, or why there is none. */
export function nameElsewhere<R extends Rows>(
  schema: Pick<Schema<R>, 'rows' | 'absent'>,
  key: string,
  write: Naming<R> = (setting) => setting,
): string | undefined {
  const word = key.replaceAll('-', '_')
  // Names in sections are known by their ends, since what they begin with differs: worker.rollout.n, rollout.n.
  const means = (name: string) => word === name || word.endsWith(`.${name}`)
  const same = Object.keys(schema.rows).find((setting) => schema.rows[setting].elsewhere?.some(means))
  if (same !== undefined) return `it is ${write(same)} here`
  const absent = Object.keys(schema.absent).find(means)
  return absent === undefined ? undefined : schema.absent[absent]
}
