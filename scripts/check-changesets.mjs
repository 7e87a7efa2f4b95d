/**
 * A change to a published package's sources needs a changeset: compared with the main branch of the clone's origin,
 * or with BASE_REF. A package that was never released (0.0.0) must have one pending in any case.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const base = process.env.BASE_REF ?? 'origin/main'

const pending = readdirSync(join(root, '.changeset'))
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => readFileSync(join(root, '.changeset', name), 'utf8').split('---')[1] ?? '')
const published = readdirSync(join(root, 'packages'))
  .map((folder) => JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')))
  .filter(({ private: hidden }) => hidden !== true)
const unreleased = published.filter(({ version }) => version === '0.0.0').map(({ name }) => name)
const missing = unreleased.filter((name) => !pending.some((header) => header.includes(`'${name}'`)))
if (missing.length > 0) {
  console.error(`no changeset for ${missing.join(', ')}; write one with "pnpm changeset"`)
  process.exit(1)
}

if (unreleased.length === published.length) {
  console.log('nothing was released yet, and every package has its first changeset')
} else if (spawnSync('git', ['rev-parse', '--verify', '--quiet', base], { cwd: root }).status === 0) {
  execFileSync(join(root, 'node_modules/.bin/changeset'), ['status', `--since=${base}`], {
    cwd: root,
    stdio: 'inherit',
  })
} else {
  console.log(`no ${base} in this clone: only unreleased packages were checked`)
}
