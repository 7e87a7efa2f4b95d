/** Width and height of an image from its header, without decoding it. */
import { checkText } from '@evolmm/internal'
import sharp from 'sharp'

/** The size in pixels, as stored, of a path or of the bytes of a file; `undefined` for what is no image. */
export async function imageSize(
  image: string | Uint8Array,
): Promise<{ width: number; height: number } | undefined> {
  if (!(image instanceof Uint8Array)) checkText('image', image)
  const found = await sharp(image, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined)
  return found && { width: found.width, height: found.height }
}
