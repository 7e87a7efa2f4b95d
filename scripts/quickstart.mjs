/**
 * `npm run quickstart`: from a fresh clone to a model that improves itself, with nothing to type before it.
 * Arguments go to examples/quickstart/quickstart.mjs: `npm run quickstart -- --seed=2`.
 */
import { fileURLToPath } from 'node:url'
import { pnpm } from './pnpm.mjs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `npm run quickstart: needs Node 20.19 or later, got ${process.versions.node}; see https://nodejs.org`,
  )
  process.exit(1)
}

const status = pnpm('install', '--frozen-lockfile')
if (status !== 0) {
  console.error(`npm run quickstart: the installation failed with status ${status}`)
  process.exit(status)
}
// What it imports is there from now on. It bundles the example with the sources of our packages, which takes a second.
process.argv.splice(2, 0, fileURLToPath(new URL('../examples/quickstart/quickstart.mjs', import.meta.url)))
await import('./bench.mjs')
