/**
 * Loaded before the installer (`--require`): what it asks of the package feed goes to a server of this machine, and a full
 * disk can be played.
 */
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const { env } = require('node:process')
const { URL } = require('node:url')

const { LOCAL_FEED: feed, FULL_DISK: full } = env
const { get } = http
// The installer's proxy support calls it with options in the place of the address, or between both.
https.get = (first, ...rest) => {
  const path = typeof first === 'string' || first instanceof URL ? new URL(first).pathname : first.path
  return get(new URL(path, feed), rest.at(-1))
}

if (full !== undefined) {
  const { copyFileSync } = fs
  fs.copyFileSync = (from, to) => {
    if (!to.includes('providers_cuda')) return copyFileSync(from, to)
    fs.writeFileSync(to, 'half of it')
    throw Object.assign(new Error(`ENOSPC: no space left on device, copyfile '${from}' -> '${to}'`), {
      code: 'ENOSPC',
    })
  }
}
