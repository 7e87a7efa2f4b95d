/** A small copy of an image for trackers that show some. */
import sharp from 'sharp'

export interface Thumbnail {
  /** The file's bytes: a PNG in RGB. */
  bytes: Uint8Array
  width: number
  height: number
}

/**
 * A copy at most `side` pixels wide and high, never enlarged, on white where it is transparent; `undefined` for a file that is
 * no longer an image, which must not keep the rest of an iteration from being tracked.
 */
export async function thumbnail(path: string, side = 512): Promise<Thumbnail | undefined> {
  const picture = await sharp(path)
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .png()
    .toBuffer({ resolveWithObject: true })
    .catch(() => undefined)
  return picture && { bytes: picture.data, width: picture.info.width, height: picture.info.height }
}
