/** Images of one size without a pattern. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

export async function noiseImages(
  folder: string,
  { width, height, count }: { width: number; height: number; count: number },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let i = 0; i < count; i++) {
    const noise = Uint8Array.from(
      { length: 3 * width * height },
      (_, at) => Math.imul(at + i, 2654435761) >>> 24,
    )
    await sharp(noise, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, `${i}.png`))
  }
}
