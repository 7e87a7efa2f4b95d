export const lfsPointerBegins = 'version https://git-lfs.github.com/spec/'
const beginning = new TextEncoder().encode(lfsPointerBegins)

/** True for the first bytes of what git-LFS leaves in the place of a file that was not fetched; eight of them are enough. */
export function isLfsPointer(head: Uint8Array): boolean {
  const length = Math.min(head.length, beginning.length)
  return length >= 8 && beginning.subarray(0, length).every((byte, i) => head[i] === byte)
}

/** What a pointer is called, and what to do about it. */
export const lfsPointer = 'a pointer of git-LFS; run "git lfs pull"'

/** What is wrong with a pointer, as the rest of a message that begins with the file. */
export const lfsPointerRule = `must be the file itself, got ${lfsPointer}`
