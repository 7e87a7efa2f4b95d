/**
 * Milliseconds of resizing an image as Pillow does, beside sharp's own cubic resize of the same pixels, which is native
 * and uses other rounding; and of turning it into patches.
 *
 *   pnpm bench:resize
 */
import sharp from 'sharp'
import { imagePatches } from '../src/backbones/parts/image-patches'
import { resize } from '../src/image/resize'
import { preprocessing, sizes } from './resize.json'

const runs = 9

/** Median milliseconds of `work`, after nine calls to warm up. */
async function median(work) {
  const times = []
  for (let run = -9; run < runs; run++) {
    const start = performance.now()
    await work()
    if (run >= 0) times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[runs >> 1]
}

console.log('from        to          ours ms   sharp ms   ours / sharp   patches of it ms')
for (const { from, to } of sizes) {
  const data = Uint8Array.from({ length: from[0] * from[1] * 3 }, (_, i) => (i * 31 + (i >> 7) * 17) & 255)
  const image = { width: from[0], height: from[1], data }
  const [width, height] = to
  const ours = await median(() => resize(image, { width, height }, 'bicubic'))
  const theirs = await median(() =>
    sharp(data, { raw: { width: from[0], height: from[1], channels: 3 } })
      .resize({ width, height, fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer(),
  )
  const patches = await median(() => imagePatches(image, preprocessing))
  console.log(
    [
      from.join('x').padEnd(12),
      to.join('x').padEnd(12),
      ours.toFixed(1).padStart(7),
      theirs.toFixed(1).padStart(11),
      (ours / theirs).toFixed(2).padStart(15),
      patches.toFixed(1).padStart(19),
    ].join(''),
  )
}
