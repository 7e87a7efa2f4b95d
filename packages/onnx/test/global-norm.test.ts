import { expect, test } from 'vitest'
import { globalNorm, Graph } from '@evolmm/onnx'
import { generator, gradientError } from './support/check-gradient'
import { runner } from './support/run'

async function norm(values: Float32Array, known = false): Promise<number> {
  const graph = new Graph()
  graph.output('norm', globalNorm(graph.input('x', 'float32', [known ? values.length : 'n'])))
  const results = await (await runner(graph))({ x: { dims: [values.length], data: values } })
  return Number(results.norm.data[0])
}

// Lengths: below one row, a whole number of rows, rows and a rest, a prime.
test.each([1, 100, 8192, 10000, 65537])(
  'the norm of %d numbers is the root of their summed squares',
  async (size) => {
    const random = generator(size)
    const values = Float32Array.from({ length: size }, () => 2 * random() - 1)
    const expected = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0))
    for (const known of [true, false])
      expect(Math.abs((await norm(values, known)) / expected - 1)).toBeLessThan(1e-6)
  },
)

test('many equal numbers add up without drift', async () => {
  const size = 2 ** 24
  const values = new Float32Array(size).fill(0.1)
  for (const known of [true, false])
    expect(Math.abs((await norm(values, known)) / (Math.fround(0.1) * 2 ** 12) - 1)).toBeLessThan(1e-6)
})

test('squares beyond the range of float32 do not matter', async () => {
  for (const scale of [1e30, 1e-30, 3e-23]) {
    const values = Float32Array.of(3 * scale, -4 * scale, 0)
    for (const known of [true, false])
      expect(Math.abs((await norm(values, known)) / (5 * scale) - 1)).toBeLessThan(1e-6)
  }
  expect(await norm(new Float32Array(10))).toBe(0)
})

test('the norm is not finite if an element is not', async () => {
  for (const value of [NaN, Infinity, -Infinity])
    expect(Number.isFinite(await norm(Float32Array.of(1, value, 2)))).toBe(false)
})

test('its gradient agrees with finite differences', async () => {
  for (const symbolic of [false, true])
    expect(await gradientError({ shapes: [[3, 4]], build: ([x]) => globalNorm(x), symbolic })).toBeLessThan(
      1e-6,
    )
})
