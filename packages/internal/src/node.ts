// What needs Node; apart, so that packages for any platform do not meet it.

export { unreadable, unwritable } from './file-errors'
export { lockFile } from './lock-file'
export { makeFolder } from './make-folder'
export { asideOf, replaceFile, syncFolder, writeSynced } from './replace-file'
