/** A finished run by the path of its results, or by a folder that holds them: then the newest. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EvolmmError } from '../errors'

const ending = '_results.json'

export async function findResults(path: string): Promise<string> {
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isFile()) return path
  const names = entry ? await readdir(path, { recursive: true }) : []
  const newest = names
    .filter((name) => name.endsWith(ending))
    .sort((a, b) => (basename(a) < basename(b) ? -1 : 1))
    .at(-1)
  if (newest !== undefined) return join(path, newest)
  throw new EvolmmError(
    'NO_RESULTS',
    `compare ${JSON.stringify(path)}: must be a …${ending} or a folder with one, got ${entry ? 'a folder without' : 'nothing there'}; name what --output_path of a finished run was`,
    { details: { option: 'compare', value: path } },
  )
}
