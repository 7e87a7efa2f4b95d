/** Encoded images of late, up to a number of bytes: in a later epoch they need not be encoded again. */
import { checkNumber } from '@evolmm/internal'
import type { EncodedImage, ImageSource } from './types'

export interface ImageCache {
  get: (path: string, encode: () => Promise<EncodedImage>) => Promise<EncodedImage>
}

export function imageCache(capacity: number): ImageCache {
  checkNumber('capacity', capacity, { min: 0 })
  /** Least recently used first. */
  const kept = new Map<string, EncodedImage>()
  let bytes = 0
  return {
    async get(path, encode) {
      const known = kept.get(path)
      const image = known ?? (await encode())
      const size = bytesOf(image)
      if (size > capacity) return image
      if (known === undefined) bytes += size
      kept.delete(path)
      kept.set(path, image)
      for (const [oldest, old] of kept) {
        if (bytes <= capacity) break
        kept.delete(oldest)
        bytes -= bytesOf(old)
      }
      return image
    },
  }
}

function bytesOf({ source, pixels, features, decoded }: EncodedImage): number {
  const kept = (decoded?.data.byteLength ?? 0) + (decoded?.alpha?.byteLength ?? 0)
  return sourceBytes(source) + pixels.data.byteLength + (features?.data.byteLength ?? 0) + kept
}

/** A path takes next to nothing. */
function sourceBytes(source: ImageSource): number {
  if (typeof source === 'string' || source instanceof URL) return 0
  return source instanceof Uint8Array ? source.byteLength : source.data.byteLength
}
