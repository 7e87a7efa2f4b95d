// What needs Node; apart, so that packages for any platform do not meet it.

export { lockFile } from './lock-file'
