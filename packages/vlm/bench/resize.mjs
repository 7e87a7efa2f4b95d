/**
 * Milliseconds of resizing an image as Pillow does, beside sharp's own cubic resize of the same pixels, which is native
 * and uses other rounding; and of turning it into patches.
 *
 *   pnpm bench:resize
 */
import sharp from 'sharp'
import { imagePatches } from '../src/backbones/parts/image-patches'
import { resizeBicubic } from '../src/image/resize-bicubic'

const runs = 9

const clip = {
  minPixels: 56 * 56,
  maxPixels: 16384 * 28 * 28,
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  resize: true,
  rescaleFactor: 1 / 255,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
}

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
for (const [from, to] of [
  [
    [1024, 768],
    [1036, 756],
  ],
  [
    [640, 480],
    [1288, 966],
  ],
  [
    [4000, 3000],
    [1148, 868],
  ],
]) {
  const data = Uint8Array.from({ length: from[0] * from[1] * 3 }, (_, i) => (i * 31 + (i >> 7) * 17) & 255)
  const image = { width: from[0], height: from[1], data }
  const [width, height] = to
  const ours = await median(() => resizeBicubic(image, { width, height }))
  const theirs = await median(() =>
    sharp(data, { raw: { width: from[0], height: from[1], channels: 3 } })
      .resize({ width, height, fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer(),
  )
  const patches = await median(() => imagePatches(image, clip))
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
