// What needs Node; apart, so that packages for any platform do not meet it.

export { boundedText } from './bounded-text'
export { unreadable, unwritable } from './file-errors'
export { openAppendFile, type AppendFile } from './append-file'
export { isThere, readIfThere } from './is-there'
export { lockFile } from './lock-file'
export { publishFolder } from './publish-folder'
export { makeFolder } from './make-folder'
export { isSafePath } from './safe-path'
export { readSmallFile, readSmallText } from './read-small-file'
export { retryAfter, retrying, type RetryOptions, type Sleep } from './retrying'
export { emitWarning, type WarningListener } from './warning'
export { removeLeftovers, replaceFile, writeSynced } from './replace-file'
