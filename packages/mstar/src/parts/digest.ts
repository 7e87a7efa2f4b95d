/** Everything that what is written depends on, as a short text for the first line of a file. */
import { createHash } from 'node:crypto'

export function digestOf(identity: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex')
}
