/** Width and height of an image from its header, without decoding it. */
import { checkText } from '@evolmm/internal'
import sharp from 'sharp'

/** The size in pixels, as stored; `undefined` for what is no image. */
export async function imageSize(path: string): Promise<{ width: number; height: number } | undefined> {
  checkText('path', path)
  const found = await sharp(path, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined)
  return found && { width: found.width, height: found.height }
}
