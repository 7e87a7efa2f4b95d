/**
 * The library that reads parquet files believes what they say: a few wrong bytes keep it busy for ever, or make it ask for
 * all memory. It runs in a thread of its own, which is ended when an answer is late.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { FileMetaData } from 'hyparquet'

export interface ParquetFooter {
  metadata: FileMetaData
  /** The bytes of the file. */
  size: number
}

export interface RowRange {
  columns: readonly string[]
  rowStart: number
  rowEnd: number
}

/** Megabytes of objects that the thread may hold; the bytes of pages are not among them. */
const mostObjects = 2048
/** Bytes that a page may have when it is uncompressed. */
const largestPage = 2 ** 30

/** Throws what the library or the system says, or an `Error` when there is no answer within `timeout` milliseconds. */
export async function parquetFooter(path: string, timeout: number): Promise<ParquetFooter> {
  return (await ask({ path }, timeout)) as ParquetFooter
}

/** Rows of a file. Throws likewise. */
export async function parquetRows(
  path: string,
  rows: RowRange,
  timeout: number,
): Promise<Record<string, unknown>[]> {
  return (await ask({ path, rows }, timeout)) as Record<string, unknown>[]
}

/** Lets go of a file; it is opened again should it be asked for. */
export function closeParquet(path: string): void {
  worker?.postMessage({ path, close: true })
}

let worker: Worker | undefined
let turn: Promise<unknown> = Promise.resolve()

/** One question after the other. */
function ask(question: object, timeout: number): Promise<unknown> {
  const answer = turn.then(() => answerTo(question, timeout))
  turn = answer.catch(() => undefined)
  return answer
}

interface WorkerMessage {
  value?: unknown
  error?: { message: string; syscall?: string }
}

async function answerTo(question: object, timeout: number): Promise<unknown> {
  const reader = (worker ??= startWorker())
  // It keeps the process from ending only while an answer is awaited.
  reader.ref()
  let timer: NodeJS.Timeout | undefined
  try {
    const { value, error } = await new Promise<WorkerMessage>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`one that takes longer than ${timeout / 1000} s to read`))
      }, timeout)
      reader.removeAllListeners('message').once('message', resolve)
      reader.removeAllListeners('error').once('error', reject)
      reader.postMessage(question)
    }).catch(async (cause: unknown) => {
      worker = undefined
      await reader.terminate()
      throw cause
    })
    if (error !== undefined) throw Object.assign(new Error(error.message), error)
    return value
  } finally {
    clearTimeout(timer)
    reader.unref()
  }
}

function startWorker(): Worker {
  // The CommonJS build has no `import.meta`, the other no `__filename`.
  const { resolve } = createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
  const [library, codecs] = ['hyparquet', 'hyparquet-compressors'].map(
    (name) => pathToFileURL(resolve(name)).href,
  )
  return new Worker(script, {
    eval: true,
    workerData: { library, codecs, largestPage },
    resourceLimits: { maxOldGenerationSizeMb: mostObjects },
  })
}

/** The script is a text, so that it needs no file beside the bundle, whose place other bundlers would not know. */
const script = `
const { closeSync, fstatSync, openSync, readSync } = require('node:fs')
const { parentPort, workerData } = require('node:worker_threads')
const { library, codecs, largestPage } = workerData
const files = new Map()

function openFile(path) {
  const known = files.get(path)
  if (known !== undefined) return known
  const descriptor = openSync(path, 'r')
  const byteLength = fstatSync(descriptor).size
  const slice = (start, end = byteLength) => {
    const beyond = () => new Error(byteLength + ' bytes, of which ' + start + ' to ' + end + ' were asked for')
    if (!(start >= 0 && end <= byteLength && start <= end)) throw beyond()
    const bytes = new Uint8Array(end - start)
    for (let done = 0; done < bytes.length;) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, start + done)
      if (read === 0) throw beyond()
      done += read
    }
    return bytes.buffer
  }
  const file = { descriptor, buffer: { byteLength, slice } }
  files.set(path, file)
  return file
}

function closeFile(path) {
  const file = files.get(path)
  files.delete(path)
  if (file !== undefined) closeSync(file.descriptor)
}

async function answer({ path, rows }) {
  const { parquetMetadataAsync, parquetReadObjects } = await import(library)
  const { compressors } = await import(codecs)
  const file = openFile(path)
  file.metadata ??= await parquetMetadataAsync(file.buffer)
  if (rows === undefined) return { metadata: file.metadata, size: file.buffer.byteLength }
  const bounded = Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input, length) => {
      if (!(length <= largestPage)) throw new Error('a page of ' + length + ' bytes')
      return unpack(input, length)
    },
  ])
  // Bytes stay bytes; what is annotated as text becomes text all the same.
  return parquetReadObjects({
    ...rows,
    file: file.buffer,
    metadata: file.metadata,
    compressors: Object.fromEntries(bounded),
    utf8: false,
    useOffsetIndex: true,
  })
}

function buffersOf(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) found.add(value.buffer)
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) buffersOf(part, found)
  return found
}

parentPort.on('message', async (message) => {
  if (message.close) return closeFile(message.path)
  try {
    const value = await answer(message)
    // Rows give their bytes away, of which two copies would not fit where one does; the footer is kept here.
    parentPort.postMessage({ value }, message.rows === undefined ? [] : [...buffersOf(value)])
  } catch (error) {
    const { message: text = String(error), syscall } = error ?? {}
    parentPort.postMessage({ error: { message: text, ...(syscall !== undefined && { syscall }) } })
  }
})
`
