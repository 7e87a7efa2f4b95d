// What needs Node; apart, so that packages for any platform do not meet it.

export { unreadable, unwritable } from './file-errors'
export { lockFile } from './lock-file'
export { publishFolder, type PublishOptions } from './publish-folder'
export { makeFolder } from './make-folder'
export { isSafePath } from './safe-path'
export { asideOf, replaceFile, syncFolder, writeSynced } from './replace-file'
