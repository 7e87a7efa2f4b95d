/**
 * What the system says of a file, without the call that it failed in: "ENOENT: no such file or directory, open 'a.json'"
 * becomes "no such file or directory (ENOENT)". The path is in the message already, and the call helps nobody.
 */
const reason = /\b(E[A-Z0-9]{2,}): ([a-z][a-z ,/-]*?), [a-z]+\d?(?: '[^']*'(?: -> '[^']*')?)?(?=[;,)]|$)/g

export function plainReasons(message: string): string {
  return message.replace(reason, '$2 ($1)')
}
