/**
 * Writes a vector of so many megabytes with a tensor behind it, or reads one from a file with holes, in a process of its
 * own. Prints what was found, and by how much the process grew.
 */
import { openSync, closeSync, ftruncateSync, writeSync } from 'node:fs'
import { isFloatTensor, openSafetensors, readTensor, streamTensor, writeSafetensors } from '../../src/index'

const [how, file, megabytes] = process.argv.slice(2)
const length = Number(megabytes) * 250_000
const behind = [0.5, -2, 3]
/** Values that are not zero, around where pieces end and bytes have numbers of 32 bits and more. */
const places = [0, 2 ** 20 - 1, 2 ** 20, 2 ** 29, 2 ** 30 - 1, 2 ** 30, length - 1].filter(
  (at) => at < length,
)
const valueAt = (place: number) => places.indexOf(place) + 1

const before = process.memoryUsage().rss
let peak = before
const look = () => (peak = Math.max(peak, process.memoryUsage().rss))
const looking = setInterval(look, 10)

if (how === 'write') {
  // Memory that nobody wrote to is not resident: the zeros take none.
  const vector = new Float32Array(length)
  for (const place of places) vector[place] = valueAt(place)
  await writeSafetensors(file, [
    { name: 'vector', shape: [length], values: vector },
    { name: 'behind', shape: [behind.length], values: Float32Array.from(behind) },
  ])
} else writeWithHoles()

const tensors = await openSafetensors({ files: [file] })
const [vector, last] = ['vector', 'behind'].map((name) => tensors.get(name))
if (vector === undefined || last === undefined || !isFloatTensor(vector) || !isFloatTensor(last))
  throw new Error('both tensors must be there')
const found: [number, number][] = []
let at = 0
for await (const piece of streamTensor(vector)) {
  for (let i = 0; i < piece.length; i++) if (piece[i] !== 0) found.push([at + i, piece[i]])
  at += piece.length
  look()
}
clearInterval(looking)
const { data } = await readTensor(last)
process.stdout.write(
  JSON.stringify({
    ...{ length: at, bytes: vector.bytes, offset: last.offset - vector.offset },
    ...{ found, expected: places.map((place) => [place, valueAt(place)]) },
    ...{ behind: [...data], growth: peak - before },
  }),
)

/** The header and the few values that are not zero; the rest takes no room on the disk. */
function writeWithHoles(): void {
  const bytes = 4 * length
  const entry = (shape: number, from: number) => ({
    dtype: 'F32',
    shape: [shape],
    data_offsets: [from, from + 4 * shape],
  })
  const json = JSON.stringify({ vector: entry(length, 0), behind: entry(behind.length, bytes) })
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(json.length))
  const descriptor = openSync(file, 'w')
  const start = 8 + json.length
  ftruncateSync(descriptor, start + bytes + 4 * behind.length)
  const put = (content: Uint8Array, position: number) =>
    writeSync(descriptor, content, 0, content.length, position)
  put(head, 0)
  put(Buffer.from(json), 8)
  const floats = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer)
  for (const place of places) put(floats([valueAt(place)]), start + 4 * place)
  put(floats(behind), start + bytes)
  closeSync(descriptor)
}
