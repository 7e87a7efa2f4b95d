/** Parameters change while somebody trains: answers of other parameters are answers of another model. */
import { createHash } from 'node:crypto'
import type { Adapter } from './adapter'

/** The first 16 hexadecimal digits of the SHA-256 of all parameters. */
export function parametersDigest({ parameters }: Pick<Adapter, 'parameters'>): string {
  const { buffer, byteOffset, byteLength } = parameters
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex')
    .slice(0, 16)
}
