import { expect, test } from 'vitest'
import { dropout, Graph } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner, type Runner } from './support/run'

const [height, width, rate] = [1024, 1536, 0.05]

async function masks(
  size: readonly [number, number],
  share: number,
): Promise<(seed: bigint) => Promise<Uint8Array>> {
  const graph = new Graph()
  const x = graph.input('x', 'float32', ['rows', 'columns'])
  const seed = graph.input('seed', 'int64', [])
  graph.output('y', dropout(x, { rate: share, seed }))
  const run: Runner = await runner(graph)
  const ones = { dims: size, data: new Float32Array(size[0] * size[1]).fill(1) }
  return async (value) => {
    const { y } = await run({ x: ones, seed: { dims: [], data: BigInt64Array.of(value) } })
    const kept = y.data as Float32Array
    const zeros = new Uint8Array(kept.length)
    for (let i = 0; i < kept.length; i++) {
      if (kept[i] === 0) zeros[i] = 1
      else if (Math.abs(kept[i] * (1 - share) - 1) > 1e-6) throw new Error('scale')
    }
    return zeros
  }
}

/** Correlation of two masks, as far as both go, in standard deviations of what chance gives. */
function correlation(a: Uint8Array, b: Uint8Array, share: number): number {
  const count = Math.min(a.length, b.length)
  let sum = 0
  for (let i = 0; i < count; i++) sum += (a[i] - share) * (b[i] - share)
  return sum / (share * (1 - share) * Math.sqrt(count))
}

test.each([0.05, 0.5])('the share of zeros is exact to 1e-3 for every seed (rate %d)', async (share) => {
  const mask = await masks([height, width], share)
  for (const seed of [0n, 1n, 2n, 42n, 1n << 40n, -5n]) {
    let zeros = 0
    for (const zero of await mask(seed)) zeros += zero
    const mean = zeros / (height * width)
    // Five standard deviations of chance; below 1e-3 for the rates of practice.
    expect(Math.abs(mean - share)).toBeLessThan(
      Math.max(1e-3, 5 * Math.sqrt((share * (1 - share)) / (height * width))),
    )
  }
})

test('neighbours, rows and columns of a mask are not correlated', async () => {
  const mask = await (await masks([height, width], rate))(7n)
  const lags = [
    1,
    2,
    3,
    4,
    8,
    16,
    64,
    256,
    768,
    width,
    2 * width,
    16 * width,
    512 * width,
    width + 1,
    width - 1,
  ]
  for (const lag of lags) {
    const z = correlation(mask, mask.subarray(lag), rate)
    expect(Math.abs(z), `lag ${lag}`).toBeLessThan(4.5)
  }
})

test('masks of different seeds are not correlated', async () => {
  const mask = await masks([height, width], rate)
  const first = await mask(100n)
  expect(Buffer.compare(await mask(100n), first)).toBe(0)
  for (const seed of [101n, 102n, 164n, 356n, 100n + (1n << 32n), -100n]) {
    const other = await mask(seed)
    const z = correlation(first, other, rate)
    expect(Math.abs(z), `seed ${seed}`).toBeLessThan(4.5)
  }
})

test('patterns of 2 x 2 cells are as frequent as chance makes them', async () => {
  const share = 0.5
  for (const [down, right] of [
    [1, 1],
    [1, 64],
    [512, 1],
    [37, 411],
  ]) {
    const mask = await (await masks([height, width], share))(11n)
    const counts = new Float64Array(16)
    let cells = 0
    for (let i = 0; i + down < height; i += 2 * down)
      for (let r = i; r < Math.min(i + down, height - down); r++)
        for (let j = 0; j + right < width; j += 2 * right)
          for (let c = j; c < Math.min(j + right, width - right); c++) {
            const at = (y: number, x: number) => mask[y * width + x]
            counts[at(r, c) + 2 * at(r, c + right) + 4 * at(r + down, c) + 8 * at(r + down, c + right)]++
            cells++
          }
    const expected = cells / 16
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 15 degrees of freedom: chance exceeds 44.3 once in 10,000.
    expect(chiSquare).toBeLessThan(44.3)
  }
})

test('sums over blocks, rows and columns scatter as chance makes them', async () => {
  const share = 0.25
  const mask = await (await masks([height, width], share))(5n)
  const spread = (cell: (i: number, j: number) => number, count: number) => {
    const sums = new Float64Array(count)
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) sums[cell(i, j)] += mask[i * width + j]
    const size = (height * width) / count
    return (
      sums.reduce((total, sum) => total + (sum - size * share) ** 2 / (size * share * (1 - share)), 0) / count
    )
  }
  // Chi-square divided by its degrees of freedom; its standard deviation is sqrt(2 / count).
  for (const [cell, count] of [
    [(i: number) => i, height],
    [(_: number, j: number) => j, width],
    [(i: number, j: number) => (i >> 4) * (width >> 4) + (j >> 4), (height * width) >> 8],
  ] as const)
    expect(Math.abs(spread(cell, count) - 1)).toBeLessThan(4.5 * Math.sqrt(2 / count))
})

test('the gradient passes where the value passed', async () => {
  const build = ([x]: Parameters<typeof dropout>[0][], graph: Graph) =>
    dropout(x, { rate: 0.3, seed: graph.constant('int32', [], [3]) })
  expect(await gradientError({ shapes: [[5, 7]], build })).toBeLessThan(1e-6)
  expect(await gradientError({ shapes: [[5, 7]], build, symbolic: true })).toBeLessThan(1e-6)
})

test('rates and seeds that make no sense are refused', () => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [2, 2])
  expect(() => dropout(x, { rate: 1, seed: graph.constant('int64', [], [1]) })).toThrow(/dropout.rate/)
  expect(() => dropout(x, { rate: 0.1, seed: graph.constant('float32', [], [1]) })).toThrow(
    /seed must be a scalar/,
  )
})
