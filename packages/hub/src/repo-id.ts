/** Names on the hub: `NAME` or `ORG/NAME`, with an optional `@revision`. */
import { checkText } from '@evolmm/internal'
import { isSafePath } from '@evolmm/internal/node'
import { EvolmmError } from './errors'

interface RepoRevision {
  id: string
  revision: string
}

const namePattern = /^(?:[A-Za-z0-9_][\w.-]*\/)?[A-Za-z0-9_][\w.-]*$/

export function isRepoId(id: string): boolean {
  return (
    namePattern.test(id) &&
    id.split('/').every((part) => part.length <= 96 && !/[.-]$/.test(part)) &&
    !/--|\.\.|\.git$/.test(id)
  )
}

/** Splits `id@revision`. A revision may be given there or as an option, or as both if they agree. */
export function parseRepoId(name: string, revision?: string): RepoRevision {
  checkText('repository', name)
  if (revision !== undefined) checkText('revision', revision)
  const at = name.indexOf('@')
  const id = at < 0 ? name : name.slice(0, at)
  const suffix = at < 0 ? undefined : name.slice(at + 1)
  if (!isRepoId(id))
    throw new EvolmmError(
      'INVALID_REPO_ID',
      `repository ${JSON.stringify(name)}: must have the form ORG/NAME, NAME or ORG/NAME@revision; correct it`,
      { details: { id: name } },
    )
  if (suffix !== undefined && revision !== undefined && suffix !== revision)
    throw new EvolmmError(
      'INVALID_OPTION',
      `revision: must agree with ${name}, got ${JSON.stringify(revision)}; give it in one place`,
      { details: { option: 'revision', value: revision } },
    )
  const chosen = suffix ?? revision ?? 'main'
  if (!isSafePath(chosen))
    throw new EvolmmError(
      'INVALID_OPTION',
      `revision: must be a branch, tag or commit, got ${JSON.stringify(chosen)}; pass such a value`,
      { details: { option: 'revision', value: chosen } },
    )
  return { id, revision: chosen }
}
