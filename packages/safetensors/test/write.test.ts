import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { floats, readRaw, sizedTest, take, temporaryFolder } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import ndarray from 'ndarray'
import { readSafetensors, writeSafetensors, type WeightSource } from '../src/index'

sizedTest(
  'values, whole or in pieces, are read back from a file that has what the format asks for',
  { files: [15, 50, 2000] },
  async ({ count, seed }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ maxLength: 8 }), fc.array(fc.float(), { maxLength: 20 }), {
          noNullPrototype: true,
        }),
        fc.integer({ min: 1, max: 7 }),
        async (tensors, size) => {
          const file = join(temporaryFolder(), 'a.safetensors')
          const sources = Object.entries(tensors).map(([name, values], i): WeightSource => {
            const data = Float32Array.from(values)
            const pieces = Array.from({ length: Math.ceil(data.length / size) }, (_, j) =>
              data.subarray(j * size, (j + 1) * size),
            )
            return { name: `t.${name}`, shape: [data.length], values: i % 2 === 0 ? data : () => pieces }
          })
          await writeSafetensors(file, sources, { metadata: { format: 'pt', note: 'ä"' } })
          const back = await readRaw(file)
          expect([...back.keys()]).toEqual(sources.map(({ name }) => name))
          for (const [name, values] of Object.entries(tensors))
            expect(floats(take(back, `t.${name}`).data)).toEqual(Float32Array.from(values))
          const bytes = await readFile(file)
          const length = Number(bytes.readBigUInt64LE(0))
          expect(length % 8).toBe(0)
          expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toMatchObject({
            __metadata__: { note: 'ä"' },
          })
        },
      ),
      { seed, numRuns: count },
    )
  },
)

// The first two of each row lie halfway between two numbers of the type: once the even one is below, once above.
test.each([
  [
    'float16',
    'F16',
    [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, -0, 2 ** -25],
    [0x3c00, 0x3c02, 0x7c00, 0x8000, 0],
  ],
  [
    'bfloat16',
    'BF16',
    [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, -0, 2 ** -25],
    [0x3f80, 0x3f82, 0x7f80, 0x8000, 0x3300],
  ],
] as const)('%s is rounded to nearest even', async (dtype, code, values, bits) => {
  const file = join(temporaryFolder(), 'a.safetensors')
  await writeSafetensors(file, [{ name: 'x', shape: [5], values: Float32Array.from(values) }], { dtype })
  const { dtype: written, data } = take(await readRaw(file), 'x')
  expect(written).toBe(code)
  expect([...new Uint16Array(data.buffer)]).toEqual(bits)
})

test.each([
  [
    'too few values',
    { shape: [3], values: new Float32Array(2) },
    /must have the 3 values of shape \[3\], got 2/,
  ],
  ['too many values', { shape: [3], values: () => [new Float32Array(2), new Float32Array(2)] }, /got more/],
])('%s are an error and the old file stays', async (_, tensor, message) => {
  const folder = temporaryFolder()
  const file = join(folder, 'a.safetensors')
  await writeFile(file, 'old')
  await expect(writeSafetensors(file, [{ name: 'x', ...tensor }])).rejects.toMatchObject({
    code: 'INVALID_TENSOR',
    message: expect.stringMatching(message) as string,
  })
  expect(await readFile(file, 'utf8')).toBe('old')
  expect(await readdir(folder)).toEqual(['a.safetensors'])
})

test('one name twice is an error, and so is a folder that is not there', async () => {
  const folder = temporaryFolder()
  const one = { name: 'x', shape: [1], values: new Float32Array(1) }
  await expect(writeSafetensors(join(folder, 'a'), [one, one])).rejects.toMatchObject({
    code: 'INVALID_TENSOR',
  })
  await expect(writeSafetensors(join(folder, 'b', 'a'), [one])).rejects.toMatchObject({
    code: 'UNWRITABLE_FILE',
  })
})

test('an error of the source passes through and leaves nothing', async () => {
  const folder = temporaryFolder()
  const stop = new Error('stop')
  const values = function* () {
    yield new Float32Array(1)
    throw stop
  }
  await expect(writeSafetensors(join(folder, 'a'), [{ name: 'x', shape: [2], values }])).rejects.toBe(stop)
  expect(await readdir(folder)).toEqual([])
})

test('arrays are written as they are looked at: rows of a larger one, transposed, a single number', async () => {
  const file = join(temporaryFolder(), 'a.safetensors')
  const whole = ndarray(
    Float32Array.from({ length: 12 }, (_, i) => i),
    [3, 4],
  )
  const views = new Map([
    ['whole', whole],
    ['rows', whole.lo(1, 0)],
    ['columns', whole.hi(3, 2).step(1, -1)],
    ['transposed', whole.transpose(1, 0)],
    ['number', whole.pick(2, 3)],
    ['nothing', whole.hi(0, 4)],
  ])
  await writeSafetensors(file, views)
  const written = await readRaw(file)
  const valuesOf = (name: string) => [...floats(take(written, name).data)]
  expect([...written].map(([name, { shape }]) => [name, ...shape])).toEqual([
    ['whole', 3, 4],
    ['rows', 2, 4],
    ['columns', 3, 2],
    ['transposed', 4, 3],
    ['number'],
    ['nothing', 0, 4],
  ])
  expect(valuesOf('rows')).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
  expect(valuesOf('columns')).toEqual([1, 0, 5, 4, 9, 8])
  expect(valuesOf('transposed')).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
  expect(valuesOf('number')).toEqual([11])
  const back = await readSafetensors(file)
  expect(take(back, 'transposed').get(1, 2)).toBe(9)
  expect(take(back, 'number').get()).toBe(11)
})
