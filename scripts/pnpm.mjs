/**
 * Run the pnpm that package.json pins: `node scripts/pnpm.mjs ARGS...`.
 *
 * A fresh machine has npm only. When the pnpm on the PATH is another version or absent, npx fetches the pinned one.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const pinned = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).packageManager
const windows = process.platform === 'win32'

/** Run pnpm in the workspace root with inherited output. Returns the exit status. */
export function pnpm(...args) {
  const installed = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8', shell: windows })
  const [command, ...rest] =
    installed.status === 0 && `pnpm@${installed.stdout.trim()}` === pinned
      ? ['pnpm']
      : ['npx', '--yes', pinned]
  const run = spawnSync(command, [...rest, ...args], { cwd: root, stdio: 'inherit', shell: windows })
  if (run.error) throw run.error
  return run.status ?? 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(pnpm(...process.argv.slice(2)))
