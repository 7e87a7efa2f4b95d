/**
 * A chart as an image of 112 x 112 pixels, 8 x 8 patches or 4 x 4 image tokens: one bar per column of tokens.
 *
 * Shapes are drawn as SVG and rendered by sharp; every edge lies on a pixel border, so nothing is smoothed and renderers
 * agree. The noise of single pixels is added to the rendered bytes: as SVG it would be 12,544 rectangles, or a filter
 * whose numbers differ between renderers.
 */
import sharp from 'sharp'
import type { Pixels } from '@evolmm/vlm'
import ndarray from 'ndarray'
import type { Chart, Color } from './chart'
import { draws, wordsAt } from './draws'

/** Side of the image in pixels. */
export const chartSize = 112

const baseLine = 107
const step = 11
const background = [160, 155, 148] as const
const paint: Readonly<Record<Color, readonly [number, number, number]>> = {
  red: [230, 30, 30],
  blue: [30, 60, 230],
  green: [20, 170, 40],
  yellow: [250, 220, 20],
  purple: [150, 30, 190],
  black: [10, 10, 10],
}

/** The pixels of the image, ready for `encodeImage`. */
export async function drawChart(chart: Chart): Promise<Pixels> {
  const data = await sharp(Buffer.from(chartSvg(chart)))
    .removeAlpha()
    .raw()
    .toBuffer()
  addNoise(data, chart.seed)
  return ndarray(new Uint8Array(data), [chartSize, chartSize, 3])
}

/** The same image as a file. */
export async function chartPng(chart: Chart): Promise<Uint8Array> {
  const { data } = await drawChart(chart)
  return new Uint8Array(
    await sharp(data, { raw: { width: chartSize, height: chartSize, channels: 3 } })
      .png()
      .toBuffer(),
  )
}

/** The picture lacks the noise of single pixels. */
function chartSvg({ seed, bars }: Chart): string {
  const { normal } = draws(seed, 'colors')
  const light = 6 * normal()
  const shade = (rgb: readonly number[], shift: () => number) =>
    `rgb(${rgb.map((channel) => Math.round(Math.min(255, Math.max(0, channel + shift())))).join()})`
  const rect = (x: number, y: number, width: number, height: number, fill: string) =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}"/>`
  const axis = shade([60, 60, 60], () => 0)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${chartSize}" height="${chartSize}" shape-rendering="crispEdges">`,
    rect(
      0,
      0,
      chartSize,
      chartSize,
      shade(background, () => light),
    ),
    ...Array.from({ length: 9 }, (_, i) =>
      rect(
        0,
        baseLine - step * (i + 1),
        chartSize,
        1,
        shade(background, () => light - 25),
      ),
    ),
    ...bars.map(({ x, width, value, color }) =>
      rect(
        x,
        baseLine - step * value,
        width,
        step * value,
        shade(paint[color], () => 12 * normal()),
      ),
    ),
    rect(0, baseLine, chartSize, 2, axis),
    rect(0, 0, 2, chartSize, axis),
    '</svg>',
  ].join('')
}

/** Normal noise in whole steps, by looking up 16 random bits: eight bytes are served by one place of the stream. */
function addNoise(data: Uint8Array, seed: number): void {
  for (let place = 0; 8 * place < data.length; place++) {
    const words = wordsAt(seed, 'noise', place)
    for (let i = 0; i < 8; i++) {
      const at = 8 * place + i
      const bits = i % 2 === 0 ? words[i >> 1] & 0xffff : words[i >> 1] >>> 16
      data[at] = Math.min(255, Math.max(0, data[at] + noise[bits]))
    }
  }
}

/** Value k as often as its share under the density exp(-k² / (2 · 6²)). */
const noise = normalTable(6)

function normalTable(deviation: number): Int8Array {
  const reach = 5 * deviation
  const values = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach)
  const density = values.map((k) => Math.exp((-k * k) / (2 * deviation * deviation)))
  const total = density.reduce((sum, share) => sum + share)
  const table = new Int8Array(2 ** 16)
  let sum = 0
  let from = 0
  for (const [i, k] of values.entries()) {
    sum += density[i]
    const to = Math.round((sum / total) * table.length)
    table.fill(k, from, to)
    from = to
  }
  return table
}
