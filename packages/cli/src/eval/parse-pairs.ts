/** lmms-eval's `key=value,key=value` in one flag. */
import { EvolmmError } from '../errors'

/** Values as they were written; a value may hold "=". `known` are the keys that there are. */
export function parsePairs(flag: string, value: string, known: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const part of value.split(',').filter((text) => text.trim() !== '')) {
    const end = part.indexOf('=')
    const key = part.slice(0, Math.max(end, 0)).trim()
    if (end < 1 || !known.includes(key))
      throw new EvolmmError(
        'INVALID_OPTION',
        `${flag}: must be key=value pairs between commas with the keys ${known.join(', ')}, got ${JSON.stringify(part)}; correct it`,
      )
    if (pairs.has(key))
      throw new EvolmmError('INVALID_OPTION', `${flag}: must name ${key} once, got it again; leave one out`)
    pairs.set(key, part.slice(end + 1).trim())
  }
  return pairs
}
