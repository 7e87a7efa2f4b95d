/**
 * Saves a checkpoint with two vectors of so many megabytes together and reads it back, in a process of its own. Prints
 * what was read, and by how much the process grew while it was written and until it was read.
 */
import { readCheckpoint, saveCheckpoint, tensorOf } from '../../src/index'

const [folder, megabytes] = process.argv.slice(2)
const length = Number(megabytes) * 125_000
const last = length - 1
const before = process.memoryUsage().rss
let peak = before
const look = () => {
  peak = Math.max(peak, process.memoryUsage().rss)
}
const looking = setInterval(look, 10)

async function saved(): Promise<string> {
  // Memory that nobody wrote to is not resident: the zeros take none.
  const [first, second] = [new Float32Array(length), new Float32Array(length)]
  ;[first[0], first[last], second[0], second[last]] = [-1, 2, 3, 4]
  return saveCheckpoint({ folder, step: 7, identity: {}, state: { data: {}, tensors: { first, second } } })
}

const at = await saved()
look()
const written = peak - before
const checkpoint = await readCheckpoint(at)
look()
clearInterval(looking)
const ends = (['first', 'second'] as const).map((name) => {
  const values = tensorOf(checkpoint, name, { length })
  return [values[0], values[last], values.findIndex((value, i) => i > 0 && value !== 0)]
})
process.stdout.write(JSON.stringify({ ends, last, written, read: peak - before }))
