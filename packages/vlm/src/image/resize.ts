/**
 * Resizing, byte for byte as Pillow 13's `Image.resize(size, resample)`: a horizontal and a vertical pass,
 * each in fixed point with weights of 22 fractional bits, rounded to bytes in between; a side that keeps its length has
 * no pass. When shrinking, the kernel widens with the scale, so that every source pixel counts. `nearest` alone takes the
 * pixels as they are.
 *
 * The vertical pass goes first where the height loses more than twice what the width does. Pillow before 13 always begins
 * with the horizontal one; in those cases one byte in a hundred of a photograph comes out one or two apart.
 */
import { checkInteger } from '@evolmm/internal'
import type { RgbImage } from './rgb-image'

const fractionBits = 22
const half = 1 << (fractionBits - 1)

/** The weights of all output pixels along one side. */
interface Taps {
  /** First source pixel of each output pixel. */
  starts: Int32Array
  /** The number of source pixels that follow from it. */
  counts: Int32Array
  /** Fixed-point weights, `stride` to an output pixel. */
  weights: Int32Array
  stride: number
}

/** The way in which pixels of the source are mixed. */
export type Resampling = 'nearest' | 'lanczos' | 'bilinear' | 'bicubic'

/** The ways by the numbers that Pillow, and so `resample` in a processor's file, has for them. */
export const resamplings: ReadonlyMap<number, Resampling> = new Map([
  [0, 'nearest'],
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
])

/** A kernel is zero from `support` on. */
interface Kernel {
  support: number
  weight: (distance: number) => number
}

const kernels: Readonly<Record<Exclude<Resampling, 'nearest'>, Kernel>> = {
  lanczos: { support: 3, weight: lanczos },
  bilinear: { support: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: { support: 2, weight: bicubic },
}

/** Returns `image` itself if it has that size already. Alpha is left behind. */
export function resize(
  image: RgbImage,
  size: { width: number; height: number },
  resampling: Resampling,
): RgbImage {
  const width = checkInteger('width', size.width, { min: 1 })
  const height = checkInteger('height', size.height, { min: 1 })
  if (image.width === width && image.height === height) return image
  if (resampling === 'nearest') return resizeNearest(image, width, height)
  const kernel = kernels[resampling]
  const lost = { columns: image.width - width, rows: image.height - height }
  const columnsFirst = lost.rows > 0 && lost.rows > 2 * lost.columns
  return columnsFirst
    ? resizeRows(resizeColumns(image, height, kernel), width, kernel)
    : resizeColumns(resizeRows(image, width, kernel), height, kernel)
}

function resizeNearest(
  { width: from, height: rows, data: source }: RgbImage,
  width: number,
  height: number,
): RgbImage {
  const [columnOf, rowOf] = [nearestPlaces(from, width), nearestPlaces(rows, height)]
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, to = 0; y < height; y++) {
    const row = rowOf[y] * from
    for (let x = 0; x < width; x++, to += 3) {
      const at = (row + columnOf[x]) * 3
      data[to] = source[at]
      data[to + 1] = source[at + 1]
      data[to + 2] = source[at + 2]
    }
  }
  return { width, height, data }
}

/** The source pixel in which the middle of each output pixel lies; the middles are added up, as Pillow does. */
function nearestPlaces(from: number, to: number): Int32Array {
  const scale = from / to
  const places = new Int32Array(to)
  for (let i = 0, middle = scale / 2; i < to; i++, middle += scale)
    places[i] = Math.min(from - 1, Math.trunc(middle))
  return places
}

function resizeRows(image: RgbImage, width: number, kernel: Kernel): RgbImage {
  const { width: from, height, data: source } = image
  if (width === from) return image
  const { starts, counts, weights, stride } = tapsOf(from, width, kernel)
  // Clamping is what remains of Pillow's rounding once the fraction is shifted out.
  const data = new Uint8ClampedArray(width * height * 3)
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * from * 3
    for (let x = 0; x < width; x++, to += 3) {
      let red = half
      let green = half
      let blue = half
      const first = x * stride
      const last = first + counts[x]
      for (let tap = first, at = row + starts[x] * 3; tap < last; tap++, at += 3) {
        const weight = weights[tap]
        red = (red + Math.imul(source[at], weight)) | 0
        green = (green + Math.imul(source[at + 1], weight)) | 0
        blue = (blue + Math.imul(source[at + 2], weight)) | 0
      }
      data[to] = red >> fractionBits
      data[to + 1] = green >> fractionBits
      data[to + 2] = blue >> fractionBits
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) }
}

function resizeColumns(image: RgbImage, height: number, kernel: Kernel): RgbImage {
  const { width, height: from, data: source } = image
  if (height === from) return image
  const { starts, counts, weights, stride } = tapsOf(from, height, kernel)
  const rowLength = width * 3
  const data = new Uint8ClampedArray(rowLength * height)
  const sums = new Int32Array(rowLength)
  for (let y = 0; y < height; y++) {
    // Row by row, as the source lies in memory, and four at a time, so that sums are loaded and stored less often.
    sums.fill(half)
    for (let tap = 0; tap < counts[y]; tap += 4) {
      const [w0, w1, w2, w3] = weights.subarray(y * stride + tap, y * stride + tap + 4)
      const row = (k: number) => Math.min(starts[y] + tap + k, from - 1) * rowLength
      const [r0, r1, r2, r3] = [row(0), row(1), row(2), row(3)]
      for (let i = 0; i < rowLength; i++)
        sums[i] +=
          Math.imul(source[r0 + i], w0) +
          Math.imul(source[r1 + i], w1) +
          Math.imul(source[r2 + i], w2) +
          Math.imul(source[r3 + i], w3)
    }
    const to = y * rowLength
    for (let i = 0; i < rowLength; i++) data[to + i] = sums[i] >> fractionBits
  }
  return { width, height, data: new Uint8Array(data.buffer) }
}

function tapsOf(from: number, to: number, kernel: Kernel): Taps {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = kernel.support * stretch
  // A multiple of four: the weights beyond a pixel's count are zero.
  const stride = Math.ceil((Math.ceil(support) * 2 + 1) / 4) * 4
  const starts = new Int32Array(to)
  const counts = new Int32Array(to)
  const weights = new Int32Array(to * stride)
  const exact = new Float64Array(stride)
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale
    const start = Math.max(0, Math.trunc(center - support + 0.5))
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start
    let sum = 0
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = kernel.weight((tap + start - center + 0.5) * (1 / stretch))
      sum += exact[tap]
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = (sum === 0 ? exact[tap] : exact[tap] / sum) * (1 << fractionBits)
      // Halves away from zero.
      weights[i * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5)
    }
    starts[i] = start
    counts[i] = count
  }
  return { starts, counts, weights, stride }
}

/** Keys' cubic convolution kernel with a = -0.5. */
function bicubic(distance: number): number {
  const a = -0.5
  const x = Math.abs(distance)
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}

function lanczos(distance: number): number {
  const wave = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI))
  return distance >= -3 && distance < 3 ? wave(distance) * wave(distance / 3) : 0
}
