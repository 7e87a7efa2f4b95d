/** Reads a parquet file whole and prints rows, a checksum of the images' first bytes, and the growth of memory. */
import { openParquet } from '../../src/rows/parquet-rows'

const [path] = process.argv.slice(2)
const before = process.memoryUsage().rss
const reader = await openParquet(path)
let peak = before
let rows = 0
let sum = 0
let bytes = 0
for await (const { image } of reader.read(0, reader.length)) {
  const data = image as Uint8Array
  // Not maxRSS of getrusage, which begins with that of the process that started this one.
  peak = Math.max(peak, process.memoryUsage().rss)
  rows++
  sum += data[0]
  bytes += data.length
}
await reader.close()
process.stdout.write(JSON.stringify({ rows, sum, bytes, growth: peak - before }))
