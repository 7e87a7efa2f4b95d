/**
 * A path that a server or a caller names is safe if it stays below the folder it is put into: relative, forward
 * slashes, no empty, `.` or `..` part; on Windows no drive or stream either.
 */
export function isSafePath(path: string): boolean {
  if (/[\\\0]/.test(path) || (process.platform === 'win32' && path.includes(':'))) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
