/** Reads a text or JSON file of a checkpoint folder; what is missing or damaged is one typed error. */
import { join } from 'node:path'
import { isLfsPointer, isObject, lfsPointerRule, parseJson } from '@evolmm/internal'
import { readSmallFile } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'

export type JsonObject = Readonly<Record<string, unknown>>

/** The file's text, or `undefined` when there is no such file. */
export async function readOptionalText(folder: string, name: string): Promise<string | undefined> {
  const file = join(folder, name)
  let bytes
  try {
    bytes = await readSmallFile(file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(file, cause)
  }
  if (isLfsPointer(bytes)) throw damaged(file, lfsPointerRule)
  try {
    // Replacing bad bytes, as Node does by default, would alter tokens unnoticed.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw damaged(file, 'must be UTF-8 text, got other bytes', cause)
  }
}

/** The file's JSON object, or `undefined` when there is no such file. */
export async function readOptionalJson(folder: string, name: string): Promise<JsonObject | undefined> {
  const text = await readOptionalText(folder, name)
  return text === undefined ? undefined : parseObject(join(folder, name), text)
}

export async function readJson(folder: string, name: string): Promise<JsonObject> {
  const object = await readOptionalJson(folder, name)
  if (object === undefined) throw unreadable(join(folder, name))
  return object
}

function parseObject(file: string, text: string): JsonObject {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw damaged(
      file,
      `must be JSON, got "${cause instanceof Error ? cause.message : String(cause)}"`,
      cause,
    )
  }
  if (!isObject(value)) throw damaged(file, 'must hold a JSON object, got another value')
  return value
}

/** `rule` reads "must hold, got value". */
export function damaged(file: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError('CHECKPOINT_FILE_DAMAGED', `${file}: ${rule}; fetch the file anew`, {
    details: { file },
    ...(cause !== undefined && { cause }),
  })
}

function unreadable(file: string, cause?: unknown): EvolmmError {
  const got = cause instanceof Error ? `"${cause.message}"` : 'none'
  return new EvolmmError(
    'CHECKPOINT_FILE_NOT_FOUND',
    `${file}: must be a readable file, got ${got}; pass the folder of a whole checkpoint`,
    { details: { file }, cause },
  )
}
