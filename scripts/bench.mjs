/**
 * Run a benchmark or an example, which may be TypeScript or import it: node scripts/bench.mjs FILE [ARGS...]
 * It is bundled beside itself with the sources of our packages, so that it never runs a stale build.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [file, ...given] = process.argv.slice(2)
// pnpm passes on the `--` of `pnpm bench:vlm -- --rounds=1`.
const args = given[0] === '--' ? given.slice(1) : given
const source = resolve(file)
const bundle = join(dirname(source), `.${basename(source, extname(source))}.${process.pid}.bundle.mjs`)
// Native modules cannot be part of a file, and only the package that depends on them finds them.
const vlm = createRequire(resolve('packages/vlm/package.json'))
const native = {
  name: 'native',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^(onnxruntime-node|sharp)$/ }, ({ path }) => ({
      path: pathToFileURL(vlm.resolve(path)).href,
      external: true,
    }))
  },
}

await build({
  entryPoints: [source],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@evolmm/source'],
  plugins: [native],
  logLevel: 'warning',
})
// Ctrl-C reaches the whole group of processes: what is running decides what to do about it, and ends first.
process.on('SIGINT', () => undefined)
// The runtime would keep a queue of events in the user's cache folder.
const NODE_PATH = ['vlm', 'dataset'].map((name) => resolve('packages', name, 'node_modules')).join(delimiter)
const env = { ORT_DISABLE_TELEMETRY: '1', ...process.env, NODE_PATH }
try {
  process.exitCode = spawnSync(process.execPath, [bundle, ...args], { stdio: 'inherit', env }).status ?? 1
} finally {
  rmSync(bundle)
}
