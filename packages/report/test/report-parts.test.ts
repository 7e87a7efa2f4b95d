import fc from 'fast-check'
import { evolmm } from '@evolmm/trainer'
import { expect, test } from 'vitest'
import { chooseMoments, evenly } from '../src/choose-moments'
import { collectLog } from '../src/collect-log'
import { downsample } from '../src/downsample'
import { formatDuration, formatNumber, formatShare, formatTicks } from '../src/format'
import { markup } from '../src/markup'
import { linearScale, logScale, roundNumbers } from '../src/scale'
import { shorten } from '../src/shorten'
import { record } from '../../trainer/test/support/records'

const range = [0, 100] as const
const parts = evolmm.page?.gallery ?? {}

test('a linear scale places its ends at the ends, and ticks are round numbers within', () => {
  const { place, ticks } = linearScale({ domain: [0, 0.3], range, ticks: 3 })
  expect([0, 0.15, 0.3].map(place)).toEqual([0, 50, 100])
  expect(ticks).toEqual([0, 0.1, 0.2, 0.3])
  expect(linearScale({ domain: [-4.7, 0], range }).ticks).toEqual([-4, -2, 0])
  expect(linearScale({ domain: [0, 16180], range }).ticks).toEqual([0, 5000, 10000, 15000])
  expect(linearScale({ domain: [3, 3], range }).place(3)).toBe(50)
})

test('there are always some round numbers, but never many', () => {
  const size = fc.double({ min: 1e-6, max: 1e9, noNaN: true })
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      size,
      fc.integer({ min: 2, max: 8 }),
      (low, width, count) => {
        fc.pre(low + width - low > 1e-9 * Math.abs(low))
        const ticks = roundNumbers(low, low + width, count)
        expect(ticks.length).toBeGreaterThanOrEqual(1)
        expect(ticks.length).toBeLessThanOrEqual(count + 1)
        for (const tick of ticks) {
          expect(tick).toBeGreaterThanOrEqual(low - 1e-6 * width - 1e-9 * Math.abs(low))
          expect(tick).toBeLessThanOrEqual(low + width + 1e-6 * width + 1e-9 * Math.abs(low))
        }
      },
    ),
    { seed: 6 },
  )
})

test('a logarithmic scale runs from power to power of ten', () => {
  const { place, ticks } = logScale({ domain: [0.002, 8], range })
  expect(ticks).toEqual([0.001, 0.01, 0.1, 1, 10])
  expect(place(0.1)).toBeCloseTo(50, 10)
  expect(logScale({ domain: [1e-8, 10], range }).ticks.map((tick) => Math.log10(tick))).toEqual([
    -8, -5, -2, 1,
  ])
  expect(logScale({ domain: [1, 1], range }).ticks).toEqual([1, 10])
})

const series = fc
  .array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(NaN)), { maxLength: 300 })
  .map((values) => ({ steps: values.map((_, i) => i + 1), values }))

test('downsampling keeps every value within the extremes of its column, and the extremes of all', () => {
  const anyWindow = fc.integer({ min: 1, max: 40 })
  fc.assert(
    fc.property(series, fc.integer({ min: 1, max: 60 }), anyWindow, ({ steps, values }, columns, window) => {
      const found = downsample({ steps, values }, { domain: [0, steps.length], columns, window })
      expect(found.length).toBeLessThanOrEqual(columns)
      const present = values.filter(Number.isFinite)
      expect(Math.min(...found.map(({ low }) => low))).toBe(Math.min(...present))
      expect(Math.max(...found.map(({ high }) => high))).toBe(Math.max(...present))
      for (const [i, value] of values.entries()) {
        const column = found.find(({ from, to }) => from <= i + 1 && i + 1 <= to)
        if (!Number.isFinite(value)) continue
        expect(column?.low).toBeLessThanOrEqual(value)
        expect(column?.high).toBeGreaterThanOrEqual(value)
      }
      for (const { low, lower, value, upper, high } of found) {
        expect(low <= lower && lower <= upper && upper <= high).toBe(true)
        expect(value).toBeGreaterThanOrEqual(low - 1e-6)
        expect(value).toBeLessThanOrEqual(high + 1e-6)
      }
    }),
    { seed: 6 },
  )
})

test('with a column for each step and no window nothing is changed', () => {
  const values = [3, NaN, 1, 4]
  const found = downsample({ steps: [1, 2, 3, 4], values }, { domain: [0, 4], columns: 100 })
  expect(found).toEqual(
    [
      [1, 3],
      [3, 1],
      [4, 4],
    ].map(([step, value]) => ({
      from: step,
      to: step,
      value,
      low: value,
      high: value,
      lower: value,
      upper: value,
    })),
  )
})

test('the line is the mean over the window around a column, and the inner band leaves out a tenth at each end', () => {
  const steps = Array.from({ length: 101 }, (_, i) => i)
  const [column] = downsample({ steps, values: steps }, { domain: [0, 100], columns: 1 })
  expect(column).toEqual({
    from: 0,
    to: 100,
    value: expect.closeTo(50, 9) as number,
    low: 0,
    high: 100,
    lower: 10,
    upper: 90,
  })
  const found = downsample({ steps, values: steps }, { domain: [0, 100], columns: 200, window: 5 })
  expect(found[50]).toMatchObject({ from: 50, to: 50, value: 50, low: 48, high: 52 })
})

test('intervals are part of the extremes', () => {
  const found = downsample(
    { steps: [1, 2], values: [0.5, 0.6], low: [0.4, 0.5], high: [0.55, 0.7] },
    { domain: [0, 2], columns: 1 },
  )
  expect(found).toMatchObject([{ low: 0.4, high: 0.7 }])
})

test('text cannot become markup, in content and in attributes', () => {
  const hostile = `"><script>alert('1')</script>&amp;`
  const harmless = '&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;amp;'
  expect(markup`<a title="${hostile}">${hostile}</a>`.text).toBe(`<a title="${harmless}">${harmless}</a>`)
  expect(markup`${[markup`<b>${'<'}</b>`, null, 3]}`.text).toBe('<b>&#60;</b>3')
})

test('what HTML does not allow is replaced', () => {
  expect(markup`${'a\u0000b\u001bc\ud800d\ufffee\tf\ng'}`.text).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\tf\ng')
  expect(markup`${'😀'}`.text).toBe('😀')
})

test('numbers read well at every size', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.8312, '0.831'],
    [-0.5, '−0.500'],
    [7.514, '7.51'],
    [13.44, '13.4'],
    [16180.4, '16,180'],
    [0.0000032, '3.2×10⁻⁶'],
    [1e-5, '10⁻⁵'],
    [-2.5e12, '−2.5×10¹²'],
  ]
  expect(cases.map(([value]) => formatNumber(value))).toEqual(cases.map(([, text]) => text))
  expect(formatShare(0.516)).toBe('51.6\u202f%')
  expect(formatTicks([0, 0.5, 1])).toEqual(['0.0', '0.5', '1.0'])
  expect(formatTicks([0, 5000])).toEqual(['0', '5,000'])
  expect([4.24, 59.96, 83, 3599.6, 3720].map(formatDuration)).toEqual([
    '4.2 s',
    '1 min 00 s',
    '1 min 23 s',
    '1 h 00 min',
    '1 h 02 min',
  ])
})

test('long texts are cut between characters, and say how much is left out', () => {
  expect(shorten('short', 5)).toBe('short')
  expect(shorten('😀😀😀', 2)).toBe('😀😀… (2 more characters)')
  expect(shorten('a'.repeat(5000), 10)).toBe('aaaaaaaaaa… (4,990 more characters)')
})

test('an even choice has the first and the last', () => {
  expect(evenly([1, 2, 3], 5)).toEqual([1, 2, 3])
  expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4)).toEqual([0, 3, 6, 9])
  expect(evenly([1, 2, 3], 1)).toEqual([1])
  expect(evenly([1, 2, 3], 0)).toEqual([])
})

test('counts and values of a log', async () => {
  const log = await collectLog(
    [1, 2, 3, 4, 5].map((step) => record(step, { images: 2 })),
    evolmm,
  )
  expect(log).toMatchObject({
    steps: [1, 2, 3, 4, 5],
    sums: { asked: 10, answers: 50 },
    seconds: 12.5,
    apart: [],
  })
  expect(log.parts.get('learning')).toBe(5)
  expect(log.values.get('train/maj_frac')).toEqual([0.6, 0.6, 0.6, 0.6, 0.6])
  expect(log.values.get('answers/invalid_frac')?.[0]).toBeCloseTo(0.2, 12)
  expect(log.values.get('reward')?.[0]).toBeCloseTo((3 * 0.75) / 5, 12)
  expect(log.values.get('proposer/kl_loss')).toEqual([NaN, NaN, NaN, NaN, 0.015625])
})

test('values without a place on an axis are as good as not measured', async () => {
  const broken = record(1)
  if (broken.solver !== null)
    Object.assign(broken.solver, { kl: Infinity, ce: NaN, gradientNorm: 1e300, beta: 1e-320 })
  const { values } = await collectLog([{ ...broken, probe: { a: Infinity, b: 0.5 } }], evolmm)
  const names = ['solver/kl_loss_mean', 'solver/ce_loss_mean', 'solver/grad_norm', 'solver/kl_coef']
  expect(names.map((name) => values.get(name))).toEqual([[NaN], [NaN], [NaN], [0]])
})

test('images that come again are shown at several times, the longest apart first', async () => {
  const at = (step: number, name: string) => {
    const one = record(step)
    return {
      ...one,
      images: one.images.map((image) => ({ ...image, relativePath: name, path: `/data/${name}` })),
    }
  }
  const names = ['a', 'b', 'c', 'b', 'a', 'b', 'd']
  const plan = chooseMoments(
    await collectLog(
      names.map((name, i) => at(i + 1, name)),
      evolmm,
    ),
    4,
    parts,
  )
  expect(plan.recurring).toEqual([[1, 5].map((step) => ({ step, index: 0 }))])
  expect(plan.spread.map(({ step }) => step)).toEqual([1, 3, 5, 7])
  expect(
    chooseMoments(
      await collectLog(
        names.map((name, i) => at(i + 1, name)),
        evolmm,
      ),
      8,
      parts,
    ).recurring,
  ).toEqual(
    [
      [1, 5],
      [2, 4, 6],
    ].map((steps) => steps.map((step) => ({ step, index: 0 }))),
  )
})

test('parts without a heading are empty; the latest pictures are not among those at even distances', async () => {
  const records = [1, 2, 3, 4, 5, 6].map((step) => record(step, { images: 2 }))
  // Iterations without a picture have no place.
  const log = await collectLog(
    records.map((one) => (one.step % 2 === 0 ? { ...one, images: [] } : one)),
    evolmm,
  )
  const heading = { title: '', lead: '' }
  expect(chooseMoments(log, 4, {})).toEqual({ latest: [], recurring: [], spread: [], apart: [] })
  expect(chooseMoments(log, 4, { spread: heading }).spread.map(({ step }) => step)).toEqual([1, 3, 5])
  const { latest, spread } = chooseMoments(log, 6, { latest: heading, spread: heading })
  expect(latest).toEqual([
    { step: 3, index: 1 },
    { step: 5, index: 0 },
    { step: 5, index: 1 },
  ])
  expect(spread).toEqual([
    { step: 1, index: 0 },
    { step: 3, index: 0 },
  ])
})

test('of several images the gallery shows one that was asked about, and some that were not', async () => {
  const batch = record(1, { images: 3 })
  const images = batch.images.map((image, i) =>
    i === 0 ? { ...image, rejected: 'unlikely' as const, answers: [], histogram: [] } : image,
  )
  const plan = chooseMoments(await collectLog([{ ...batch, images }], evolmm), 4, parts)
  expect(plan).toEqual({
    latest: [],
    recurring: [],
    spread: [{ step: 1, index: 1 }],
    apart: [{ step: 1, index: 0 }],
  })
})
