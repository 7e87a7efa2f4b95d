// What needs Node; apart, so that packages for any platform do not meet it.

export { unreadable, unwritable } from './file-errors'
export { lockFile, type LockWaiting } from './lock-file'
export { publishFolder, type PublishOptions } from './publish-folder'
export { makeFolder } from './make-folder'
export { isSafePath } from './safe-path'
export { pause, retryAfter, retrying, type RetryOptions, type Sleep } from './retrying'
export { asideOf, replaceFile, syncFolder, writeSynced } from './replace-file'
