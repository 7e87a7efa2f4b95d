/** Paths that settings name must be there. Each check throws `INVALID_OPTION` about its setting. */
import { access, stat } from 'node:fs/promises'
import { EvolmmError } from './errors'

export async function checkFolder(name: string, path: string): Promise<void> {
  const found = await pathKind(path)
  if (found !== 'a folder') throw invalid(name, 'be a folder that exists', path, found)
}

/** A folder, or what could be a name on the hub. */
export async function checkModel(name: string, path: string): Promise<void> {
  const found = await pathKind(path)
  if (
    found !== 'a folder' &&
    (found === 'a file' || !/^[\w.-]+\/[\w.-]+(@.+)?$/.test(path) || path.startsWith('.'))
  )
    throw invalid(name, 'be a folder that exists, or ORG/NAME on the hub', path, found)
}

export async function checkFile(name: string, path: string): Promise<void> {
  const found = await pathKind(path)
  if (found !== 'a file') throw invalid(name, 'be a file that can be read', path, found)
  await access(path).catch((error: unknown) => {
    throw invalid(name, 'be a file that can be read', path, (error as Error).message)
  })
}

/** A folder that is there, or that can be made. */
export async function checkOutput(name: string, path: string): Promise<void> {
  const found = await pathKind(path)
  if (found === 'a file') throw invalid(name, 'be a folder, or not exist yet', path, found)
}

export async function pathKind(path: string): Promise<string> {
  return stat(path).then(
    (entry) => (entry.isDirectory() ? 'a folder' : 'a file'),
    (error: unknown) =>
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing there' : String(error),
  )
}

function invalid(name: string, rule: string, path: string, found: string): EvolmmError {
  return new EvolmmError(
    'INVALID_OPTION',
    `${name} ${JSON.stringify(path)}: must ${rule}, got ${found}; check the path`,
    { details: { option: name, value: path } },
  )
}
