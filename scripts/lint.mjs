/**
 * Lint with types, package by package: `pnpm lint`, or `pnpm lint packages/vlm` for some of them. One process for all would
 * hold the types of all packages at once, which takes more memory than Node gives by itself.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(new URL('../packages', import.meta.url)).map((name) => `packages/${name}`)
const given = process.argv.slice(2)
const runs =
  given.length > 0
    ? given.map((path) => [path])
    : [...packages.map((path) => [path]), ['.', '--ignore-pattern', 'packages/']]

const failed = runs.filter((args) => {
  const eslint = ['node_modules/eslint/bin/eslint.js', ...args, '--max-warnings', '0']
  return spawnSync(process.execPath, eslint, { cwd: root, stdio: 'inherit' }).status !== 0
})
if (failed.length > 0) {
  console.error(`lint failed: ${failed.map(([path]) => path).join(', ')}`)
  process.exit(1)
}
