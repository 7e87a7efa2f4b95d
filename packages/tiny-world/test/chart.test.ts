import { decodeImage } from '@evolmm/vlm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chart, chartPng, chartSize, colors, drawChart, splitChart, splits, type Color } from '../src/index'

const seeds = fc.integer({ min: 0, max: 4e9 })

test('the facts of a chart: three or four bars beside each other, colours once, one tallest and one lowest', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { bars } = chart(seed)
      const columns = bars.map(({ column }) => column)
      expect(['0,1,2', '1,2,3', '0,1,2,3']).toContain(columns.join())
      expect(new Set(bars.map(({ color }) => color)).size).toBe(bars.length)
      const values = bars.map(({ value }) => value).sort((a, b) => a - b)
      expect(values.every((value) => Number.isInteger(value) && value >= 1 && value <= 9)).toBe(true)
      expect(values[0]).toBeLessThan(values[1])
      expect(values.at(-1)).toBeGreaterThan(values.at(-2) ?? Infinity)
      for (const { x, width, column } of bars) {
        expect(width).toBeGreaterThanOrEqual(12)
        expect(x).toBeGreaterThanOrEqual(28 * column + 4)
        expect(x + width).toBeLessThanOrEqual(28 * column + 24)
      }
    }),
  )
})

test('all counts, colours and values occur', () => {
  const bars = Array.from({ length: 300 }, (_, seed) => chart(seed).bars)
  expect(new Set(bars.map(({ length }) => length))).toEqual(new Set([3, 4]))
  expect(new Set(bars.flat().map(({ color }) => color))).toEqual(new Set(colors))
  expect(new Set(bars.flat().map(({ value }) => value)).size).toBe(9)
})

test('one seed gives the same bytes twice, another seed others', async () => {
  const [a, b, c] = await Promise.all([7, 7, 8].map((seed) => chartPng(chart(seed))))
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
})

/** What a person would call a pixel, from the colours of the spec. */
const paint: Record<Color, readonly number[]> = {
  red: [230, 30, 30],
  blue: [30, 60, 230],
  green: [20, 170, 40],
  yellow: [250, 220, 20],
  purple: [150, 30, 190],
  black: [10, 10, 10],
}

test('the image shows the facts: each bar has its colour up to its height, and none above it', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const facts = chart(seed)
    const { shape, data } = await decodeImage(await chartPng(facts))
    expect(shape).toEqual([chartSize, chartSize, 3])
    /** Mean colour of a rectangle, which averages the noise away. */
    const mean = (left: number, top: number, right: number, bottom: number) =>
      [0, 1, 2].map((channel) => {
        let sum = 0
        for (let y = top; y < bottom; y++)
          for (let x = left; x < right; x++) sum += data[(y * chartSize + x) * 3 + channel]
        return sum / ((right - left) * (bottom - top))
      })
    const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((v, i) => v - b[i]))
    const nearest = (rgb: readonly number[]) =>
      [...colors].sort((a, b) => distance(paint[a], rgb) - distance(paint[b], rgb))[0]
    for (const { x, width: bar, value, color } of facts.bars) {
      const top = 107 - 11 * value
      expect(nearest(mean(x, 107 - 11, x + bar, 107)), `seed ${seed}`).toBe(color)
      expect(nearest(mean(x, top, x + bar, top + 3)), `seed ${seed}`).toBe(color)
      const [r, g, b] = mean(x, top - 5, x + bar, top - 1)
      expect(Math.max(Math.abs(r - 160), Math.abs(g - 155), Math.abs(b - 148)), `seed ${seed}`).toBeLessThan(
        35,
      )
    }
  }
})

test('the noise has deviation 6 in every channel, and neighbours have nothing to do with each other', async () => {
  const facts = chart(3)
  const { data } = await drawChart(facts)
  // The top rows hold background alone, but for the axis.
  const values: number[] = []
  for (let y = 0; y < 7; y++)
    for (let x = 2; x < chartSize; x++)
      values.push(...data.subarray((y * chartSize + x) * 3, (y * chartSize + x + 1) * 3))
  const channel = (c: number) => values.filter((_, i) => i % 3 === c)
  for (const c of [0, 1, 2]) {
    const all = channel(c)
    const mean = all.reduce((sum, v) => sum + v) / all.length
    const deviation = Math.sqrt(all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length)
    // 770 values: the deviation's own standard error is 0.15.
    expect(Math.abs(deviation - 6)).toBeLessThan(0.6)
    const next = all.slice(1).reduce((sum, v, i) => sum + (v - mean) * (all[i] - mean), 0) / all.length / 36
    expect(Math.abs(next)).toBeLessThan(0.15)
  }
})

test('the purposes have seeds of their own', () => {
  const ranges = Object.values(splits).sort((a, b) => a.start - b.start)
  for (const [i, { start, end }] of ranges.entries()) {
    expect(end).toBeGreaterThan(start)
    if (i > 0) expect(start).toBeGreaterThanOrEqual(ranges[i - 1].end)
  }
  expect(splitChart('test', 5).seed).toBe(splits.test.start + 5)
  expect(() => splitChart('test', 1e9)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => chart(-1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
