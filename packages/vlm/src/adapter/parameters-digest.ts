/** Parameters change while somebody trains: answers of other parameters are answers of another model. */
import { createHash } from 'node:crypto'
import type { Adapter } from './adapter'

/** The hash takes no more than 2 GB at once, and a view of bytes has four at most. */
const valuesAtOnce = 1 << 24

/** The first 16 hexadecimal digits of the SHA-256 of all parameters. */
export function parametersDigest({ parameters }: Pick<Adapter, 'parameters'>): string {
  const hash = createHash('sha256')
  for (let start = 0; start < parameters.length; start += valuesAtOnce) {
    const { buffer, byteOffset, byteLength } = parameters.subarray(start, start + valuesAtOnce)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex').slice(0, 16)
}
