/** The files of external data, found as the runtime finds them: within one folder, symbolic links followed. */
import { EvolmmError } from '../errors'

/** A file of external data that is there, and its length in bytes. */
export interface DataFile {
  path: string
  size: number
}

/** The file `location` within `folder`, that the constant `name` lies in. Throws `INVALID_MODEL` if it is elsewhere or none. */
export async function dataFile(folder: string, location: string, name: string): Promise<DataFile> {
  const { realpath, stat } = await import('node:fs/promises')
  const path = await import('node:path')
  let real: string
  let root: string
  try {
    ;[root, real] = [await realpath(folder), await realpath(path.join(folder, location))]
  } catch (cause) {
    throw badFile(name, location, 'must be there, got none', cause)
  }
  const found = path.relative(root, real)
  if (found === '..' || found.startsWith(`..${path.sep}`) || path.isAbsolute(found))
    throw badFile(name, location, `must be within ${root}, got a link to ${real}`)
  const info = await stat(real)
  if (!info.isFile()) throw badFile(name, location, 'must be a file, got something else')
  return { path: real, size: info.size }
}

/** Throw `INVALID_MODEL` unless the file of a constant has `length` bytes after `offset`. */
export function checkExtent(
  { size }: DataFile,
  { location, offset, length }: { location: string; offset: number; length: number },
  name: string,
): void {
  if (offset + length > size)
    throw badFile(name, location, `must have ${offset + length} bytes or more, got ${size}`)
}

export function badFile(name: string, location: string, rule: string, cause?: unknown): EvolmmError {
  return new EvolmmError(
    'INVALID_MODEL',
    `constant ${JSON.stringify(name)}: its file ${JSON.stringify(location)} ${rule}; check the folder`,
    { details: { name, location }, ...(cause !== undefined && { cause }) },
  )
}
