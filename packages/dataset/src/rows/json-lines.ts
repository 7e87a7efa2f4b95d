/**
 * Rows of a JSON-lines file: one object a line in UTF-8, blank lines left out. All lines are checked when the file is
 * opened; then only their places are held, and a row is read again when it is asked for.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { isLfsPointer, isObject, lfsPointer, parseJson } from '@evolmm/internal'
import { unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { DataRow, RowReader } from './row-reader'

/** The bytes that a line may have, and those that are read at a time. */
const longestLine = 2 ** 24
const readAtOnce = 2 ** 18

export async function openJsonLines(path: string): Promise<RowReader> {
  const file = await open(path).catch(unreadable(path))
  const offsets: number[] = []
  const numbers: number[] = []
  try {
    for await (const line of linesFrom(path, file, { offset: 0, number: 1 })) {
      parseLine(path, line)
      offsets.push(line.offset)
      numbers.push(line.number)
    }
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    length: offsets.length,
    async *read(start, end) {
      const last = Math.min(end, offsets.length)
      if (start >= last) return
      let row = start
      for await (const line of linesFrom(path, file, { offset: offsets[start], number: numbers[start] })) {
        yield parseLine(path, line)
        if (++row === last) return
      }
      throw new EvolmmError(
        'DATA_UNREADABLE',
        `${path}: must not change while it is read, got fewer rows than before; read it again`,
        { details: { path } },
      )
    },
    placeOf: (row) => `${path}:${numbers[row]}`,
    close: () => file.close(),
  }
}

/** The byte at which a line begins, and its number in the file. */
interface LinePlace {
  offset: number
  number: number
}

interface Line extends LinePlace {
  text: string
}

/** The lines from a place on that are not blank. */
async function* linesFrom(path: string, file: FileHandle, place: LinePlace): AsyncGenerator<Line> {
  let { offset, number } = place
  let pending = Buffer.alloc(0)
  for (;;) {
    const chunk = await readChunk(path, file, offset + pending.length)
    const ended = chunk.length === 0
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const newline = pending.indexOf(10)
      const length = newline >= 0 ? newline : pending.length
      if (length > longestLine)
        throw invalidLine(path, number, `at most ${longestLine / 2 ** 20} MiB long`, 'more')
      if (newline < 0 && !ended) break
      const text = decodeLine(path, number, pending.subarray(0, length))
      if (text.trim() !== '') yield { offset, number, text }
      if (newline < 0) return
      pending = pending.subarray(length + 1)
      offset += length + 1
      number++
    }
  }
}

async function readChunk(path: string, file: FileHandle, position: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(readAtOnce)
  const { bytesRead } = await file.read(chunk, 0, readAtOnce, position).catch(unreadable(path))
  return chunk.subarray(0, bytesRead)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a line, of the first one without a byte-order mark. */
function decodeLine(path: string, number: number, bytes: Uint8Array): string {
  try {
    const text = utf8.decode(bytes)
    return number === 1 ? text.replace(/^\uFEFF/, '') : text
  } catch (cause) {
    throw invalidLine(path, number, 'in UTF-8', 'other bytes', cause)
  }
}

function parseLine(path: string, { number, text }: Line): DataRow {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    const pointer = isLfsPointer(new TextEncoder().encode(text))
    throw invalidLine(path, number, 'one JSON object', pointer ? lfsPointer : shown, cause)
  }
  if (!isObject(value)) throw invalidLine(path, number, 'one JSON object', shown)
  return value
}

function invalidLine(path: string, line: number, rule: string, got: string, cause?: unknown): EvolmmError {
  return new EvolmmError('INVALID_LINE', `${path}:${line}: must be ${rule}, got ${got}; correct the line`, {
    details: { path, line },
    ...(cause !== undefined && { cause }),
  })
}
