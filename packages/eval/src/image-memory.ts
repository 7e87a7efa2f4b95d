/** Images that were shown of late, encoded: who asks about one again does not have it encoded again. */
import { createHash } from 'node:crypto'
import type { EncodedImage, ImageSource } from '@evolmm/vlm'

export interface ImageMemory {
  encoded: (image: ImageSource) => Promise<EncodedImage>
  /** Forgets all but what was shown since the last turn, unless nothing of that is new. */
  turn: () => void
}

export function imageMemory(sampler: {
  encodeImage: (image: ImageSource) => Promise<EncodedImage>
}): ImageMemory {
  let before = new Map<unknown, EncodedImage>()
  let shown: typeof before = new Map()
  return {
    encoded: async (image) => {
      const key = keyOf(image)
      const encoded = shown.get(key) ?? before.get(key) ?? (await sampler.encodeImage(image))
      shown.set(key, encoded)
      return encoded
    },
    turn: () => {
      if ([...shown.keys()].some((key) => !before.has(key))) before = shown
      shown = new Map()
    },
  }
}

/** Bytes are read anew for each row, and equal bytes are one image. */
function keyOf(image: ImageSource): unknown {
  return image instanceof Uint8Array ? `sha256 ${createHash('sha256').update(image).digest('hex')}` : image
}
