/** A small copy of an image as a data URI; like the model's, it does not follow EXIF rotation. */
import sharp from 'sharp'

/** The longer side, in pixels: sharp at twice the size of the page. */
const side = 336

/** `null` for what cannot be read or is no image. */
export async function pictureUri(path: string): Promise<string | null> {
  try {
    const jpeg = await sharp(path)
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 80, chromaSubsampling: '4:4:4' })
      .toBuffer()
    return `data:image/jpeg;base64,${jpeg.toString('base64')}`
  } catch {
    return null
  }
}
