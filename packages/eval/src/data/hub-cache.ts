/** The newest snapshot of a data set in the cache that all Hugging Face libraries share, which is only read here. */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

export async function cachedSnapshot(
  dataset: string,
  revision: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ folder: string; commit: string } | undefined> {
  const home =
    environment.HF_HOME ??
    join(environment.XDG_CACHE_HOME ?? join(environment.HOME ?? homedir(), '.cache'), 'huggingface')
  const cache = environment.HF_HUB_CACHE ?? environment.HUGGINGFACE_HUB_CACHE ?? join(home, 'hub')
  const repository = join(cache, ['datasets', ...dataset.split('/')].join('--'))
  const commit = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : (await readFile(join(repository, 'refs', revision), 'utf8').catch(() => '')).trim()
  if (commit === '') return undefined
  const folder = join(repository, 'snapshots', commit)
  const found = await stat(folder).catch(() => undefined)
  return found?.isDirectory() ? { folder, commit } : undefined
}
