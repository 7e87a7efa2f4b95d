import { createReadStream } from 'node:fs'
import { EvolmmError } from './errors'

export interface FileLine {
  /** Its bytes without the line feed. */
  bytes: Buffer
  /** Its number in the file, from 1. */
  number: number
  /** Bytes from the start of the file to the end of the line, line feed included. */
  end: number
  /** False for bytes at the end of the file that no line feed follows. */
  isWhole: boolean
}

/** Bytes that a line may have: what a model says in an hour is a thousandth of it. */
const longestLine = 2 ** 26

/**
 * The lines of a file that may come from anywhere, in order; a stream, so that nothing is held but a line. (Node's own reader also
 * splits at U+2028.) Throws what the system says, and `UNREADABLE_FILE` for a line of more than 64 MiB.
 */
export async function* readLines(file: string): AsyncGenerator<FileLine, undefined> {
  let rest: Buffer[] = []
  let [pending, end, number] = [0, 0, 1]
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0
    for (let stop = chunk.indexOf(10); stop !== -1; stop = chunk.indexOf(10, start)) {
      const bytes = Buffer.concat([...rest, chunk.subarray(start, stop)])
      rest = []
      pending = 0
      start = stop + 1
      end += bytes.length + 1
      yield { bytes, number: number++, end, isWhole: true }
    }
    rest.push(chunk.subarray(start))
    pending += chunk.length - start
    if (pending > longestLine)
      throw new EvolmmError(
        'UNREADABLE_FILE',
        `${file}: must have lines of at most ${longestLine / 2 ** 20} MiB, got more in line ${number}; restore the file`,
        { details: { file, line: number, longestLine } },
      )
  }
  if (pending > 0) yield { bytes: Buffer.concat(rest), number, end: end + pending, isWhole: false }
  return undefined
}
