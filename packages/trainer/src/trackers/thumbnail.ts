/** A small copy of an image for trackers that show some. */
import sharp from 'sharp'

export interface Thumbnail {
  /** PNG, RGB. */
  bytes: Uint8Array
  width: number
  height: number
}

/** At most `side` pixels wide and high, never enlarged, on white where it is transparent. */
export async function thumbnail(path: string, side = 512): Promise<Thumbnail> {
  const { data, info } = await sharp(path)
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .png()
    .toBuffer({ resolveWithObject: true })
  return { bytes: data, width: info.width, height: info.height }
}
