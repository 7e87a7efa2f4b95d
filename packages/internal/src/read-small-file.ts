import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { EvolmmError } from './errors'

/** The largest tokenizers have half of it. What is parsed from a text takes many times its length. */
const mostBytes = 2 ** 26

/**
 * A configuration, an index, a tokenizer, a state: what is read whole, and may come from anywhere. Throws what the system says, and
 * `UNREADABLE_FILE` for one of more than 64 MiB, of which no more is read.
 */
export async function readSmallFile(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of createReadStream(file, { end: mostBytes }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
  }
  if (bytes > mostBytes) throw tooLarge(file)
  return Buffer.concat(chunks)
}

/** Its text. Throws likewise. */
export async function readSmallText(file: string): Promise<string> {
  return (await readSmallFile(file)).toString('utf8')
}

/** Its text at once, for what cannot wait. Throws likewise. */
export function readSmallTextSync(file: string): string {
  const handle = openSync(file, 'r')
  try {
    const chunks: Buffer[] = []
    for (let bytes = 0; ; bytes += chunks.at(-1)?.length ?? 0) {
      if (bytes > mostBytes) throw tooLarge(file)
      const chunk = Buffer.alloc(2 ** 16)
      const length = readSync(handle, chunk, 0, chunk.length, null)
      if (length === 0) return Buffer.concat(chunks).toString('utf8')
      chunks.push(chunk.subarray(0, length))
    }
  } finally {
    closeSync(handle)
  }
}

function tooLarge(file: string): EvolmmError {
  return new EvolmmError(
    'UNREADABLE_FILE',
    `${file}: must have at most ${mostBytes / 2 ** 20} MiB, got more; it is not the file that its name says: get it again`,
    { details: { file, mostBytes } },
  )
}
