/** The key that `wandb login` left: the password of the server's host in `NETRC`, else in `.netrc` in the home folder. */
import { join } from 'node:path'
import { readSmallTextSync } from '@evolmm/internal/node'

/** `undefined` where there is no such file or nothing in it for the host. */
export function netrcKey(
  host: string,
  { NETRC, HOME, USERPROFILE = '' }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  // Without a home there is none; the current folder's is somebody's.
  const home = HOME ?? USERPROFILE
  if (NETRC === undefined && home === '') return undefined
  let text: string
  try {
    text = readSmallTextSync(NETRC ?? join(home, '.netrc'))
  } catch {
    return undefined
  }
  const entries = text.replaceAll(/^\s*#.*$/gm, '').split(/(?:^|\s)(?=machine\s|default(?:\s|$))/)
  const own = entries.find((entry) => /^machine\s+(\S+)/.exec(entry)?.[1] === host)
  return /\spassword\s+(\S+)/.exec(own ?? '')?.[1]
}
