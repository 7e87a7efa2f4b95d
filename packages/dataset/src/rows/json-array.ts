/**
 * Rows of a `.json` file that holds one list of objects, as LLaVA's data sets and MathV360K are published. All objects are
 * checked when the file is opened, one at a time; then only their places are held, and a row is read again when it is asked
 * for.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { isObject, parseJson } from '@evolmm/internal'
import { unreadable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { DataRow, RowReader } from './row-reader'

/** The bytes that an object may have, and those that are read at a time. */
const longestObject = 2 ** 24
const readAtOnce = 2 ** 18

/** The bytes of an object in the file. */
interface Place {
  offset: number
  length: number
}

/** True if the first byte that is no space opens a list; what begins otherwise may be JSON lines. */
export async function isJsonArray(path: string): Promise<boolean> {
  const file = await open(path).catch(unreadable(path))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0).catch(unreadable(path))
    return /^\uFEFF?\s*\[/.test(buffer.toString('utf8', 0, bytesRead))
  } finally {
    await file.close()
  }
}

export async function openJsonArray(path: string): Promise<RowReader> {
  const file = await open(path).catch(unreadable(path))
  const places: Place[] = []
  try {
    for await (const { place, bytes } of objectsOf(path, file)) {
      parseObject(path, places.length, bytes)
      places.push(place)
    }
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    length: places.length,
    async *read(start, end) {
      for (const [i, { offset, length }] of places.slice(start, end).entries()) {
        const bytes = Buffer.alloc(length)
        await file.read(bytes, 0, length, offset).catch(unreadable(path))
        yield parseObject(path, start + i, bytes)
      }
    },
    placeOf: (row) => placeName(path, row),
    close: () => file.close(),
  }
}

const placeName = (path: string, row: number) => `${path}[${row}]`

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]
const spaces = new Set([0x20, 0x09, 0x0a, 0x0d])
const byteOrderMark = [0xef, 0xbb, 0xbf]

/** What may come next outside of an object. */
type Expected = 'list' | 'first object' | 'object' | 'comma' | 'nothing'

/** The objects of the list with their places. Only what is between them is checked here. */
async function* objectsOf(path: string, file: FileHandle): AsyncGenerator<{ place: Place; bytes: Buffer }> {
  let expected: Expected = 'list'
  let count = 0
  let offset = 0
  // Of the object that is being read: its bytes so far, how deep it is nested, and whether a text or an escape is open.
  let [pieces, start, depth, inText, escaped] = [[] as Buffer[], 0, 0, false, false]
  for (
    let chunk = await readChunk(path, file, 0);
    chunk.length > 0;
    chunk = await readChunk(path, file, offset)
  ) {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (depth > 0) {
        if (escaped) escaped = false
        else if (inText) [inText, escaped] = [byte !== quote, byte === backslash]
        else if (byte === quote) inText = true
        else if (byte === openObject || byte === openList) depth++
        else if (byte === closeObject || byte === closeList) depth--
        if (offset + i - start >= longestObject)
          throw broken(path, count, `at most ${longestObject / 2 ** 20} MiB long`, 'more')
        if (depth > 0) continue
        pieces.push(chunk.subarray(from, i + 1))
        yield { place: { offset: start, length: offset + i + 1 - start }, bytes: Buffer.concat(pieces) }
        pieces = []
        count++
        expected = 'comma'
      } else if (byte === openObject && expected.includes('object')) {
        ;[depth, from, start] = [1, i, offset + i]
      } else if (!spaces.has(byte) && !(offset + i < 3 && byte === byteOrderMark[i])) {
        expected = after(path, count, expected, byte)
      }
    }
    if (depth > 0) pieces.push(chunk.subarray(from))
    offset += chunk.length
  }
  if (expected !== 'nothing')
    throw broken(path, count, 'followed by the end of the list', 'the end of the file')
}

/** What is expected after a byte between objects. */
function after(path: string, count: number, expected: Expected, byte: number): Expected {
  if (expected === 'list' && byte === openList) return 'first object'
  if (expected === 'comma' && byte === comma) return 'object'
  if ((expected === 'comma' || expected === 'first object') && byte === closeList) return 'nothing'
  throw broken(path, count, 'an object of a list', JSON.stringify(String.fromCharCode(byte)))
}

async function readChunk(path: string, file: FileHandle, position: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(readAtOnce)
  const { bytesRead } = await file.read(chunk, 0, readAtOnce, position).catch(unreadable(path))
  return chunk.subarray(0, bytesRead)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseObject(path: string, row: number, bytes: Uint8Array): DataRow {
  let value: unknown
  try {
    value = parseJson(utf8.decode(bytes))
  } catch (cause) {
    throw broken(path, row, 'one JSON object in UTF-8', 'something else', cause)
  }
  if (!isObject(value)) throw broken(path, row, 'one JSON object', 'something else')
  return value
}

function broken(path: string, row: number, rule: string, got: string, cause?: unknown): EvolmmError {
  const place = placeName(path, row)
  return new EvolmmError('INVALID_LINE', `${place}: must be ${rule}, got ${got}; correct the file`, {
    details: { path, row },
    ...(cause !== undefined && { cause }),
  })
}
